"""Score inpainters over a data set: frozen manifest, numbers by picture, intervals, tables."""
