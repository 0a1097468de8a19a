"""The typed, frozen schema of the YAML files: one module per kind."""
