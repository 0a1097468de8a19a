"""What runs on the robot: the contract, the policy, safety, the real-time loop, telemetry and flashing."""
