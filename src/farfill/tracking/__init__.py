"""How runs appear in Weights & Biases."""
