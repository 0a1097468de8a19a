"""Reports episodes to a curriculum in the order in which they began, not in which they ended."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np

from sim2real.curriculum.interface import NO_TAG, Tags
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices

_ENDED: Final = np.iinfo(np.int64).max


class _Result(NamedTuple):
    """Result of an ended episode."""

    number: int
    values: Float64Array
    """(C,)"""
    performance: float


class Reports(NamedTuple):
    """Results that are ready for the curriculum."""

    tags: Tags
    """(k,)"""
    values: Float64Array
    """(k, C)"""
    performance: Float64Array
    """(k,)"""


class ReportOrder:
    """Holds back the result of an episode until all older episodes with its tag have ended.

    Of episodes that begin together, the failures end first. With more running episodes than a curriculum counts, the
    first results of a tag would all be failures. A result waits for one time limit at most; results without a tag do
    not wait.

    Args:
        n: Number of simulations.
        columns: Number of values per episode, C.
    """

    def __init__(self, n: int, columns: int) -> None:
        self._columns = columns
        self._tags = np.full(n, NO_TAG)
        self._numbers = np.full(n, _ENDED)
        """Numbers of the running episodes, in the order in which they began."""
        self._next = 0
        self._held: dict[int, list[_Result]] = {}

    def abandon(self, ids: Indices) -> Reports:
        """Drop the running episodes of some simulations; return the results that waited for them."""
        tags = self._tags[ids[self._numbers[ids] != _ENDED]]
        self._numbers[ids] = _ENDED
        return self._released(tags)

    def begin(self, ids: Indices, tags: Tags) -> None:
        """Begin new episodes with their tags, (k,), in some simulations."""
        self._tags[ids] = tags
        self._numbers[ids] = np.arange(self._next, self._next + len(ids))
        self._next += len(ids)

    def end(self, ids: Indices, values: Float64Array, performance: Float64Array) -> Reports:
        """Add the results of some simulations, (k, C) and (k,); return the results that are ready."""
        tags = self._tags[ids]
        for index, tag, own, result in zip(ids, tags, values, performance, strict=True):
            if tag != NO_TAG:
                number = int(self._numbers[index])
                self._held.setdefault(int(tag), []).append(_Result(number, own.copy(), float(result)))
        self._numbers[ids] = _ENDED
        waiting, free = self._released(tags), tags == NO_TAG
        return Reports(
            *(np.concatenate(pair) for pair in zip((tags[free], values[free], performance[free]), waiting, strict=True))
        )

    def _released(self, tags: Iterable[int]) -> Reports:
        """Remove and return the held results of some tags that no older running episode precedes."""
        released: list[tuple[int, _Result]] = []
        for tag in dict.fromkeys(int(each) for each in tags if each != NO_TAG):
            oldest = self._numbers[self._tags == tag].min(initial=_ENDED)
            held = sorted(self._held.pop(tag, []), key=lambda result: result.number)
            released += [(tag, result) for result in held if result.number < oldest]
            left = [result for result in held if result.number >= oldest]
            if left:
                self._held[tag] = left
        return Reports(
            np.array([tag for tag, _ in released], np.int64),
            np.array([result.values for _, result in released]).reshape(-1, self._columns),
            np.array([result.performance for _, result in released]),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        held = [(tag, result) for tag, results in self._held.items() for result in results]
        return {
            "tags": self._tags.copy(),
            "numbers": self._numbers.copy(),
            "next": self._next,
            "held_tags": np.array([tag for tag, _ in held], np.int64),
            "held_numbers": np.array([result.number for _, result in held], np.int64),
            "held_values": np.array([result.values for _, result in held]).reshape(-1, self._columns),
            "held_performance": np.array([result.performance for _, result in held]),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._tags[:], self._numbers[:], self._next = state["tags"], state["numbers"], int(state["next"])
        self._held = {}
        columns = (state[f"held_{name}"] for name in ("tags", "numbers", "values", "performance"))
        for tag, number, values, performance in zip(*columns, strict=True):
            self._held.setdefault(int(tag), []).append(_Result(int(number), values.copy(), float(performance)))
