"""Feetech STS/SMS: codec, memory table, driver and firmware model."""
