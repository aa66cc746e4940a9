"""From picture files and holes to batches, every draw addressed by (seed, epoch, index)."""
