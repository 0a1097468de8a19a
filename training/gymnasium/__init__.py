"""Gymnasium's environments as environments of our learners."""
