"""What the three commands do; Hydra lives only here."""
