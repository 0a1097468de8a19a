"""Learners side by side with those of other projects, each in a process of its own."""
