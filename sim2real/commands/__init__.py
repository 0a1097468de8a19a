"""Commands of the simulated world."""
