"""Inertial measurement units: interface, samples, mounting and plausibility checks."""
