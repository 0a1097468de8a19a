"""Training: learning algorithms, checkpoints, evaluation, and export to ONNX with the contract inside."""
