"""Learning rates over generator steps."""
