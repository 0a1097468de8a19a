"""What firmware models of all families share: what the emulator asks of them, and parts to build them from."""
