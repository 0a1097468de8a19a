"""Inertial measurement units: their interface, samples, mounting and plausibility."""
