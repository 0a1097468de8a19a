"""Firmware models of any family: the interfaces that the emulator drives, and parts to build them from."""
