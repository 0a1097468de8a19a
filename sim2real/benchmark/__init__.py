"""Benchmarks: every claim of speed is measured side by side in one run and printed as a ratio."""
