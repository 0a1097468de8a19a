"""The workbench: finds, shows, configures, checks and calibrates single motors, with or without a robot."""
