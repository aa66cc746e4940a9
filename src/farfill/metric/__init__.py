"""How far a completion is from the truth: pure functions, and the suite that every run reports."""
