"""The metrics of a task, together."""

from typing import Any

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array, Indices
from sim2real.task.state import TaskConstants, TaskState
from sim2real.task.terms import Terms


class TaskMetrics:
    """All metrics of a task, for n environments.

    Args:
        task: Names them.
        n: Number of environments.
        constants: Constants of the task.

    Raises:
        ConfigError: A metric is unknown, or two have a figure with the same name.
        UserError: A user's metric is not a `Metric`, or failed; from every method.
    """

    def __init__(self, task: TaskConfig, n: int, constants: TaskConstants) -> None:
        terms = [Terms.of(task).metrics[name] for name in task.metrics]
        self._metrics = [(term, term.make(n, constants)) for term in terms]
        owners = dict[str, str]()
        for term, metric in self._metrics:
            for figure in metric.names:
                other = owners.setdefault(figure, term.name)
                if other != term.name:
                    raise ConfigError(
                        f"task {task.name!r}: the metrics {other} and {term.name} both have a figure {figure!r}"
                    )
        self.names = tuple(owners)
        """Names of all figures."""

    def begin(self, ids: Indices) -> None:
        """Clear the measurements of some episodes."""
        for term, metric in self._metrics:
            term.call(metric.begin, ids)

    def add(self, state: TaskState, command_changed: BoolArray | None) -> None:
        """Add one control step; `command_changed` is True where the command changes after it, (n,)."""
        for term, metric in self._metrics:
            term.call(metric.add, state, command_changed)

    def finish(self, ids: Indices) -> dict[str, Float64Array]:
        """Return the figures of k ended episodes by name, (k,) each."""
        return {name: values for term, metric in self._metrics for name, values in term.figures(metric, ids).items()}

    def state_dict(self) -> list[dict[str, Any]]:
        """Return what the next step depends on, for each metric."""
        return [term.call(metric.state_dict) for term, metric in self._metrics]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Continue from a state."""
        for (term, metric), saved in zip(self._metrics, state, strict=True):
            term.call(metric.load_state_dict, saved)
