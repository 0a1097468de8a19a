"""The contract between policy and robot: what is observed, what is commanded, in which order, units and limits."""
