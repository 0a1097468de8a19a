"""The emulated Dynamixel X-series motor, register by register."""
