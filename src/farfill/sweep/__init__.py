"""Many runs: planned, started, and what became of each."""
