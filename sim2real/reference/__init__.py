"""Gymnasium's MuJoCo tasks on MuJoCo's batch: the same numbers, to compare speed and learners with other projects."""
