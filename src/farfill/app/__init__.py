"""The page with a brush, served on this machine."""
