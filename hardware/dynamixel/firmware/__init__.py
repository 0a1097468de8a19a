"""Firmware model of Dynamixel X-series motors."""
