"""Where holes come from: one sampler per file."""
