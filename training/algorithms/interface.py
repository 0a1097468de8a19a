"""Interface of learning algorithms."""

from typing import Any, Protocol, runtime_checkable

from sim2real.training.policy import Policy

Metrics = dict[str, float]
"""Metrics of one iteration, by name; TensorBoard groups `group/name`."""


class Algorithm(Protocol):
    """A learner bound to its environment."""

    @property
    def policy(self) -> Policy:
        """The current policy."""

    def start(self, seed: int) -> None:
        """Start the first episodes."""

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Collect experience and learn from it once.

        Args:
            progress: Finished share of the run, from 0 to 1, for annealing.

        Returns:
            Control steps taken, summed over environments, and metrics. A metric with `loss` in its name must be finite:
            the run stops otherwise. Others may be NaN, where there is nothing to measure.
        """

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, without policy and environment: tensors and plain data.

        All numbers of its tensors are finite: otherwise no checkpoint is written, and the run stops.
        """

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""


@runtime_checkable
class WarmStart(Protocol):
    """A learner that can begin from more of another run than its policy; any other begins from the policy alone."""

    def warm_start(self, state: dict[str, Any]) -> tuple[str, ...]:
        """Take over what fits of a state that `state` of the same algorithm returned, perhaps of another task.

        Returns:
            Names of what was taken over.
        """
