"""Firmware models: the interfaces that the emulator uses, and building blocks for families."""
