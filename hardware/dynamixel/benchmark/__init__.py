"""Benchmark of the Dynamixel driver against other libraries."""
