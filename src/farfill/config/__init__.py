"""The configuration of a run: checked, and turned into its parts."""
