"""The emulated robot: firmware models and a plant behind the real wire protocol, in real time or in lockstep."""
