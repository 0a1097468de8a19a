"""The first YAML of a user's own robot: what its MJCF says, what the datasheet says, and marked guesses."""
