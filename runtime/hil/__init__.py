"""Hardware-in-the-loop scenarios: a policy on the emulated robot, a timeline, and the expected result."""
