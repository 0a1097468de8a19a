"""Curricula: which part of the randomisation episodes draw from, and how it changes with performance."""
