"""The workbench: finds, shows, sets up, checks and calibrates single motors, of a robot or not."""
