"""Layers and blocks with TensorFlow's conventions."""
