"""Classical fillers, as a measure of what a learnt one is worth."""
