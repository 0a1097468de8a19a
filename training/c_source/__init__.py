"""A policy as one C99 file: contract and network without ONNX, without a heap, for a microcontroller."""
