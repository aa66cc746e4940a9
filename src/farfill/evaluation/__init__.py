"""Score fillers over a data set: frozen manifest, per-image numbers, intervals, tables, sheets."""
