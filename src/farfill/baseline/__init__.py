"""Classical inpainting, as a measure of what a learnt generator is worth."""
