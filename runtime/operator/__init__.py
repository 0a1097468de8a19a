"""What a person asks of a run while it runs: commands, stop, emergency stop, reset."""
