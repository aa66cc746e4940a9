"""Adversarial objectives."""
