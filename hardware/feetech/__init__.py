"""Feetech STS/SMS: codec, memory table, driver, and the emulated motor."""
