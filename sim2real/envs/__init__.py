"""Environments for learners: ours without copies, Gymnasium's vector and single ones, Stable-Baselines3's."""
