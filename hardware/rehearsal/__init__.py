"""Rehearsals: what a user does with motors as people find them, on emulated motors with random histories."""
