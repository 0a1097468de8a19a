"""Times of the stages of a tick, counted in fixed memory however long the run."""

from array import array
from dataclasses import dataclass
from operator import add
from typing import Any

import numpy as np

from sim2real.hardware.types import Float64Array, Int64Array

STAGES = ("read", "observe", "infer", "limit", "write", "record", "total", "lateness")
"""Stages of a tick in order; `total` is the work of a tick, `lateness` how long after its deadline it began."""

# Log-linear buckets as in HdrHistogram: 64 for each factor of two, so an edge is at most 1/64 from the value.
_SUB_BITS = 6
_SUB = 1 << _SUB_BITS
_OCTAVES = 36  # up to 2^42 ns, over an hour


class Durations:
    """A histogram of durations in nanoseconds; adding one costs an index and an increment."""

    def __init__(self) -> None:
        # Machine integers: a list would hold one object more for every bucket whose count leaves Python's small ones.
        self.counts = array("Q", bytes(8 * _SUB * (_OCTAVES + 1)))
        """Of each bucket."""
        self.max_ns = 0
        self.sum_ns = 0
        """Of all durations."""

    @property
    def count(self) -> int:
        """Number of durations."""
        return sum(self.counts)

    def add(self, duration_ns: int) -> None:
        """Count one duration; negative ones count as zero."""
        if duration_ns < 0:
            duration_ns = 0
        octave = duration_ns.bit_length() - _SUB_BITS - 1
        if octave < 0:
            index = duration_ns
        elif octave < _OCTAVES:
            index = (octave << _SUB_BITS) + (duration_ns >> octave)
        else:
            index = -1
        self.counts[index] += 1
        self.sum_ns += duration_ns
        if duration_ns > self.max_ns:  # eight of these a tick: a call of max() costs as much as the rest
            self.max_ns = duration_ns

    def merge(self, other: "Durations") -> None:
        """Count all durations of another one too."""
        self.counts = array("Q", map(add, self.counts, other.counts))
        self.sum_ns += other.sum_ns
        self.max_ns = max(self.max_ns, other.max_ns)

    def quantile_ns(self, share: float) -> float:
        """Return the duration that this share of all does not exceed, to within 1/64; NaN when there are none."""
        count = self.count
        if count == 0:
            return float("nan")
        rank = max(1, int(np.ceil(share * count)))
        index = int(np.searchsorted(np.cumsum(self.counts), rank))
        return float(min(_upper_edge(index), self.max_ns))

    def mean_ns(self) -> float:
        """Return the mean; NaN when there are none."""
        count = self.count
        return self.sum_ns / count if count else float("nan")

    def histogram(self) -> tuple[Float64Array, Int64Array]:
        """Return the bucket edges in µs, (B + 1,), and the counts, (B,), from the first bucket in use to the last."""
        used = np.flatnonzero(self.counts)
        if len(used) == 0:
            return np.zeros(1), np.zeros(0, np.int64)
        first, last = int(used[0]), int(used[-1])
        edges = np.array([_lower_edge(index) for index in range(first, last + 2)]) / 1e3
        return edges, np.array(self.counts[first : last + 1], np.int64)

    def summary_us(self) -> dict[str, float]:
        """Return p50, p99, p99.9, max and mean in µs."""
        return {
            "p50_us": self.quantile_ns(0.5) / 1e3,
            "p99_us": self.quantile_ns(0.99) / 1e3,
            "p99_9_us": self.quantile_ns(0.999) / 1e3,
            "max_us": (self.max_ns if any(self.counts) else float("nan")) / 1e3,
            "mean_us": self.mean_ns() / 1e3,
        }


@dataclass(slots=True)
class TickStatistics:
    """Durations of every stage of the ticks of one run."""

    stages: dict[str, Durations]

    @classmethod
    def empty(cls) -> "TickStatistics":
        """Return statistics of no ticks."""
        return cls({stage: Durations() for stage in STAGES})

    def __getitem__(self, stage: str) -> Durations:
        return self.stages[stage]

    def document(self) -> dict[str, Any]:
        """Return p50, p99, p99.9, max and mean of each stage, in µs."""
        return {stage: durations.summary_us() for stage, durations in self.stages.items()}


def _lower_edge(index: int) -> int:
    """Return the smallest duration that falls into a bucket, ns."""
    if index < 2 * _SUB:
        return index
    octave = (index >> _SUB_BITS) - 1
    return (_SUB + (index & (_SUB - 1))) << octave


def _upper_edge(index: int) -> int:
    """Return the largest duration that falls into a bucket, ns."""
    return _lower_edge(index + 1) - 1
