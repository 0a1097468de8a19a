"""The emulated robot: firmware models and a plant that speak the real wire protocol, in real time or in lockstep."""
