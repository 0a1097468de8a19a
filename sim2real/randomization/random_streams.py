"""Random numbers, one stream for each environment: what an environment meets depends on no other one.

The generator is SplitMix64 (Steele, Lea and Flood 2014) as a counter: number c of a stream is the mix of its key plus c
steps of the golden ratio, so that numbers of any rows come at any time in one pass over an array, in any batch size and
order.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices

Words = npt.NDArray[np.uint64]
Float32Array = npt.NDArray[np.float32]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31, _SHIFT_11 = (np.uint64(count) for count in (30, 27, 31, 11))
_SHIFT_16, _SHIFT_32 = np.uint64(16), np.uint64(32)
_FIELDS: Final = np.uint64(0x0000FFFF0000FFFF)
_LOW: Final = np.uint64(0xFFFFFFFF)

# Sum of four uniform 16-bit numbers: its mean, and one over its standard deviation.
_SUM_MEAN: Final = np.float32(4 * 65535 / 2)
_SUM_SCALE: Final = np.float32(1.0 / math.sqrt(4.0 * (65536.0**2 - 1.0) / 12.0))

ALL: Final = slice(None)
"""All environments, in place of the indices of some."""
_AHEAD: Final = 64
_AHEAD_MAX: Final = 512
_FEW: Final = 256  # of more, the numbers take longer than the calls, and memory


@dataclass
class _Ahead:
    """Uniform numbers of some environments, of which the first are taken."""

    ids: Indices
    numbers: Float64Array
    taken: int = 0


class RandomStreams:
    """The random streams of n environments.

    Args:
        seed: With the number of the environment it decides the stream.
        n: How many.
        first: Number of the first of them, where others are simulated elsewhere.
    """

    def __init__(self, seed: int, n: int, first: int = 0) -> None:
        self._first = first
        self._key = np.zeros(n, np.uint64)
        self.counter = np.zeros(n, np.uint64)
        """Numbers taken from each stream, (n,); within `ahead` see `taken`."""
        self.seed(seed)
        self._noise = np.zeros((n, 0), np.uint64)
        self._scratch = self._noise
        self._steps: dict[int, Words] = {}
        self._ahead: _Ahead | None = None
        self._width_ahead = _AHEAD

    def seed(self, seed: int) -> None:
        """Start all streams anew."""
        first = _mixed(np.array([seed % 2**64], np.uint64) + _GOLDEN)
        self._key = _mixed(first ^ _mixed(self._numbers() * _GOLDEN))
        self.counter[:] = 0

    def _numbers(self) -> Words:
        return np.arange(self._first + 1, self._first + len(self._key) + 1, dtype=np.uint64)

    @contextmanager
    def ahead(self, ids: Indices) -> Iterator[None]:
        """Compute at once the numbers of k environments that are drawn one by one within, by the same array `ids`.

        They are the numbers that would be drawn without it. For many environments nothing is computed ahead.
        """
        if len(ids) <= _FEW:
            self._ahead = _Ahead(ids, self._uniform(ids, self._width_ahead))
        try:
            yield
        finally:
            self._end_ahead()

    def _end_ahead(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            self.counter[ahead.ids] += np.uint64(ahead.taken)

    def taken(self, ids: Indices) -> Words:
        """Return how many numbers were taken from the streams of k environments, (k,)."""
        ahead = self._ahead
        more = ahead.taken if ahead is not None and ahead.ids is ids else 0
        counts: Words = self.counter[ids] + np.uint64(more)
        return counts

    def uniform(self, ids: Indices | slice, width: int) -> Float64Array:
        """Return uniform numbers in [0, 1) of the streams of k environments, (k, width)."""
        ahead = self._ahead
        if ahead is not None:
            first, last = ahead.taken, ahead.taken + width
            if ids is ahead.ids and last <= ahead.numbers.shape[1]:
                ahead.taken = last
                return np.ascontiguousarray(ahead.numbers[:, first:last])
            self._width_ahead = min(max(self._width_ahead, last), _AHEAD_MAX)
            self._end_ahead()
        numbers = self._uniform(ids, width)
        self.counter[ids] += np.uint64(width)
        return numbers

    def _uniform(self, ids: Indices | slice, width: int) -> Float64Array:
        """Return the next uniform numbers, without taking them."""
        words = self._words(ids, width)
        np.right_shift(words, _SHIFT_11, out=words)
        numbers = words.view(np.int64).astype(np.float64)
        np.multiply(numbers, 2.0**-53, out=numbers)
        return numbers

    def normal(self, ids: Indices | slice, width: int) -> Float64Array:
        """Return standard normal numbers (Box and Muller 1958), (k, width)."""
        uniform = self.uniform(ids, 2 * width)
        radius = np.sqrt(-2.0 * np.log1p(-np.ascontiguousarray(uniform[:, :width])))
        numbers: Float64Array = radius * np.cos(2.0 * math.pi * np.ascontiguousarray(uniform[:, width:]))
        return numbers

    def noise(self, out: Float32Array) -> None:
        """Fill `out`, (n, width), with noise of mean 0 and variance 1 for every environment, as fast as it can be had.

        Each number is a sum of four uniform ones: bell-shaped, and never beyond 3.5 standard deviations.
        """
        width = out.shape[1]
        if self._noise.shape[1] != width:
            self._noise = np.zeros(out.shape, np.uint64)
            self._scratch = np.zeros(out.shape, np.uint64)
        words, scratch = self._noise, self._scratch
        np.add((self._key + self.counter * _GOLDEN)[:, None], self._steps_of(width), out=words)
        self.counter += np.uint64(width)
        _mix(words, scratch)
        # Four fields of 16 bits are added two by two, then the two sums.
        np.right_shift(words, _SHIFT_16, out=scratch)
        np.bitwise_and(scratch, _FIELDS, out=scratch)
        np.bitwise_and(words, _FIELDS, out=words)
        np.add(words, scratch, out=words)
        np.right_shift(words, _SHIFT_32, out=scratch)
        np.bitwise_and(words, _LOW, out=words)
        np.add(words, scratch, out=words)
        np.copyto(out, words.view(np.int64), casting="unsafe")  # signed ones are converted faster
        np.subtract(out, _SUM_MEAN, out=out)
        np.multiply(out, _SUM_SCALE, out=out)

    def _words(self, ids: Indices | slice, width: int) -> Words:
        words: Words = (self._key[ids] + self.counter[ids] * _GOLDEN)[:, None] + self._steps_of(width)
        _mix(words, np.empty_like(words))
        return words

    def _steps_of(self, width: int) -> Words:
        """Return the distances of the next numbers of a stream from its place, (width,)."""
        if width not in self._steps:
            self._steps[width] = np.arange(1, width + 1, dtype=np.uint64) * _GOLDEN
        return self._steps[width]

    def state_dict(self) -> dict[str, Any]:
        """Return the place of every stream."""
        return {"key": self._key.view(np.int64).copy(), "counter": self.counter.view(np.int64).copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a place."""
        self._key[:] = np.asarray(state["key"]).view(np.uint64)
        self.counter[:] = np.asarray(state["counter"]).view(np.uint64)

    def place(self, index: int) -> tuple[int, int]:
        """Return key and counter of one stream: where `set_place` makes it go on."""
        return int(self._key[index]), int(self.counter[index])

    def set_place(self, index: int, place: tuple[int, int]) -> None:
        """Make one stream go on from a place."""
        self._key[index], self.counter[index] = place


def _mixed(words: Words) -> Words:
    mixed = words.copy()
    _mix(mixed, np.empty_like(mixed))
    return mixed


def _mix(words: Words, scratch: Words) -> None:
    """Mix the bits of every word, in place (variant 13 of Stafford's finalisers)."""
    np.right_shift(words, _SHIFT_30, out=scratch)
    np.bitwise_xor(words, scratch, out=words)
    np.multiply(words, _MIX_1, out=words)
    np.right_shift(words, _SHIFT_27, out=scratch)
    np.bitwise_xor(words, scratch, out=words)
    np.multiply(words, _MIX_2, out=words)
    np.right_shift(words, _SHIFT_31, out=scratch)
    np.bitwise_xor(words, scratch, out=words)
