"""Generates the first YAML of a user's own robot from its MJCF and the motor's datasheet; guesses are marked."""
