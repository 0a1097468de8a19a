"""Flashing: policies installed on a robot in two slots, verified, switched atomically, and reversible."""
