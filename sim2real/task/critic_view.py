"""Privileged values of a task: its privileged terms, side by side."""

import numpy as np

from sim2real.configs.schema.task import TaskConfig
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.hardware.types import Float64Array
from sim2real.task.privileged_inputs import PrivilegedInputs, Sizes
from sim2real.task.state import Float32Array
from sim2real.task.terms import Terms


class CriticView:
    """Puts the privileged terms of a task together.

    Args:
        task: Names them.
        space: The parameters that are drawn.
    """

    def __init__(self, task: TaskConfig, space: ParameterSpace) -> None:
        columns = space.dimension_of_column
        sizes = Sizes(len(task.robot.joints), len(task.robot.feet), len(columns))
        terms = Terms.of(task).privileged
        self._terms = [(terms[name], terms[name].width(sizes)) for name in task.privileged]
        self.size = sum(width for _, width in self._terms)
        """P"""
        self.scaled = np.repeat([term.scaled for term, _ in self._terms], [width for _, width in self._terms]).astype(
            np.bool_
        )
        """Which values come scaled, (P,)."""
        limits = space.limits
        self._calibrated = space.calibrated[columns]
        self._scale = 1.0 / np.maximum(0.5 * (limits[columns, 1] - limits[columns, 0]), 1e-9)

    def normalized(self, values: Float64Array) -> Float64Array:
        """Return drawn values, (k, C), in half widths of their limits from the calibrated values."""
        normalized: Float64Array = (values - self._calibrated) * self._scale
        return normalized

    def write(self, inputs: PrivilegedInputs, out: Float32Array) -> None:
        """Compute all terms of k robots into `out`, (k, P).

        Raises:
            UserError: A term failed, or does not have the size that it declares.
        """
        start = 0
        for term, width in self._terms:
            for block in term.blocks(inputs, len(out), width):
                stop = start + block.shape[1]
                out[:, start:stop] = block
                start = stop
