"""Learning: algorithms on shared parts, checkpoints, and export to ONNX with the contract inside."""
