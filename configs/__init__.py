"""Configuration: the typed schema, the loader, and the shipped YAML files."""
