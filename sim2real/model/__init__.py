"""The robot's MuJoCo model: the user's bodies with what the stack adds, and where things are in its arrays."""
