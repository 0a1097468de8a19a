"""The MuJoCo model of a robot: the user's bodies with motors, sensors and terrain added, and addresses in its arrays."""
