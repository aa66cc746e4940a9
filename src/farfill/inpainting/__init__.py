"""Fill the holes of picture files: read with all their depth, pair, pad, fill, write whole."""
