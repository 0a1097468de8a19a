"""Commands of the learners: train, export, eval."""
