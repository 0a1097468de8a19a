"""Curricula: how much of the randomisation an episode meets."""
