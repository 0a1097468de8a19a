"""The typed, frozen schema of every YAML file: one module a kind."""
