"""The robot's MuJoCo model: the user's bodies with motors, sensors and terrain added, and their addresses."""
