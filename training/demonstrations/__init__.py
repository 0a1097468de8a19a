"""What somebody did, as observations and actions of whole episodes, from logs and from arrays."""
