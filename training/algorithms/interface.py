"""What the runner needs from a learning algorithm."""

from typing import Any, Protocol

from sim2real.training.policy import Policy

Metrics = dict[str, float]
"""Figures of one iteration: name to value; `group/name` puts it under a heading."""


class Algorithm(Protocol):
    """A learner bound to its environment."""

    @property
    def policy(self) -> Policy:
        """The deployed view of what has been learned so far."""

    def start(self, seed: int) -> None:
        """Begin the first episodes."""

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Gather experience and learn from it once; return the control steps taken, over all environments, and figures.

        `progress` is the share of the run that is done, from 0 to 1, for what is annealed.
        """

    def state(self) -> dict[str, Any]:
        """Return all that decides what follows (tensors and plain data), the policy and the environment apart."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
