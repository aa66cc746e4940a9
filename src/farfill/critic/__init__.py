"""Sets of critics."""
