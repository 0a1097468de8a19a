"""Environments for learners: arrays without copies, Gymnasium (vector and single), Stable-Baselines3."""
