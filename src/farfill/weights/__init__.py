"""Weights of a generator by themselves: their files, their names, and those that come along."""
