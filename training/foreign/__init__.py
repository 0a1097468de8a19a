"""Policies from other projects: what their files say, and a policy with our contract around their network."""
