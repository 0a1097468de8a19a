"""Everything a user may set: the typed schema and the shipped YAML files."""
