"""The simulated world: MuJoCo batch environments built from the robot's own contract, and the plant behind the emulator."""
