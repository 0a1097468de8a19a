"""A robot's active policy as a service of systemd: the unit, and what the system says about it."""
