"""Read a sweep's folders, compare its cells, and say what the numbers say about each claim."""
