"""Bench work on motors that need not be those of a robot: finding, showing, setting up, checking, calibrating."""
