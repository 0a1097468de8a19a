"""What differs from episode to episode."""
