"""Dynamixel Protocol 2.0: codec, control tables, driver and firmware model."""
