"""Commands of the hardware: one module a command."""
