"""Firmware model of Feetech STS motors."""
