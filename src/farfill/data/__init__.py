"""Where pictures come from, and how a picture file is read."""
