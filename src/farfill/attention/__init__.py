"""Attention layers: one file per way of borrowing features."""
