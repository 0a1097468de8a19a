"""A curriculum of several processes: each learns the results of all, at the end of every iteration."""

from typing import Any, Final

import numpy as np

from sim2real.curriculum.interface import Curriculum, Tags
from sim2real.hardware.types import Float64Array
from sim2real.training import team

_Report = tuple[Tags, Float64Array, Float64Array]


def exchange(curriculum: Curriculum) -> None:
    """Exchange the results of all processes, where a curriculum is shared."""
    if isinstance(curriculum, SharedCurriculum):
        curriculum.exchange()


class SharedCurriculum:
    """Keeps results until `exchange`; so all processes draw from the same curriculum.

    Args:
        inner: This process' curriculum, equal to those of the others.
    """

    def __init__(self, inner: Curriculum) -> None:
        self._inner: Final = inner
        self._reports: list[_Report] = []

    @property
    def uniforms(self) -> int:
        """Random numbers per episode."""
        return self._inner.uniforms

    @property
    def ordered(self) -> bool:
        """Whether results are reported in the order in which their episodes began, within each process."""
        return self._inner.ordered

    def draw(self, uniform: Float64Array) -> tuple[Float64Array, Tags]:
        """Draw the values of k new episodes."""
        return self._inner.draw(uniform)

    def report(self, tags: Tags, values: Float64Array, performance: Float64Array) -> None:
        """Keep the results of k finished episodes."""
        self._reports.append((np.array(tags), np.array(values), np.array(performance)))

    def exchange(self) -> None:
        """Give the results of all processes to the curriculum, in the order of their ranks."""
        reports = [report for of_rank in team.gathered(self._reports) for report in of_rank]
        self._reports = []
        for report in reports:
            self._inner.report(*report)

    def bounds(self) -> Float64Array:
        """Return the current boundaries."""
        return self._inner.bounds()

    def figures(self) -> dict[str, float]:
        """Return figures for the log."""
        return self._inner.figures()

    def state_dict(self) -> dict[str, Any]:
        """Return the state; between iterations there are no results that are not exchanged."""
        return self._inner.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._inner.load_state_dict(state)
