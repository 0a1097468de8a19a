"""Benchmark of the driver against other libraries, side by side."""
