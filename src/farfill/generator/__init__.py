"""Generators and how to carry weights into them."""
