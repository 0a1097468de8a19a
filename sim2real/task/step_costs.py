"""The costs of a step, which a learner keeps to their budgets."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from sim2real.configs.errors import NonFiniteError
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.task.state import Float32Array, TaskConstants, TaskState
from sim2real.task.terms import Terms


class StepCosts:
    """The terms that a task names as costs, in their own units: nothing is paid for them.

    Args:
        task: Source of the costs.
        constants: Constants of the task.
        state: State that the terms see, read-only; updated before each step.
    """

    def __init__(self, task: TaskConfig, constants: TaskConstants, state: TaskState) -> None:
        self.values: Final[Float32Array] = np.zeros((len(state.position), len(task.costs)), np.float32)
        """Costs of the last step, (n, C)."""
        self._costs: Final = task.costs
        self._constants, self._state = constants, state
        self._functions = Terms.of(task).rewards

    def measure(self, broken: Indices, sums: Mapping[str, Float64Array]) -> None:
        """Measure every cost of a step, and add it to its sum, (n,); zero for simulations that diverged."""
        for column, (name, cost) in enumerate(self._costs.items()):
            values = self.values[:, column]
            values[:] = self._functions[cost.term](self._state, self._constants, cost.scale)
            values[broken] = 0.0
            np.add(sums[name], values, out=sums[name])

    def require_finite(self) -> None:
        """Refuse a cost that is not finite. Raises NonFiniteError with its term and the robot."""
        if not self._costs or np.isfinite(self.values).all():
            return
        robot, column = map(int, np.argwhere(~np.isfinite(self.values))[0])
        name, cost = list(self._costs.items())[column]
        raise NonFiniteError(
            str(self._functions[cost.term].wrong(f"is not finite for robot {robot}, and is the cost {name!r}"))
        )
