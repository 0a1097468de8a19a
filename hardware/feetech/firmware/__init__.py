"""The emulated Feetech STS motor, register by register."""
