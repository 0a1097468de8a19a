"""Gymnasium's own MuJoCo tasks on MuJoCo's batch: the same numbers, to compare speed and learners with others."""
