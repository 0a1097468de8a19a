"""Benchmarks of the bus drivers against others', side by side."""
