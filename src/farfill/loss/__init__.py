"""Reconstruction and auxiliary losses: one weighted idea per file."""
