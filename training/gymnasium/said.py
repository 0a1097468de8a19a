"""What an environment says of a step in `info`, whatever its autoreset mode."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from gymnasium.vector import VectorEnv

from sim2real.configs.errors import UserError
from sim2real.hardware.types import Float64Array
from sim2real.training.gymnasium.autoreset import RawStep

_FINAL_INFO: Final = "final_info"
"""Where a SAME_STEP environment puts what it says of the last step of an episode; beside it stands the next one's."""


class SaidOfStep:
    """Numbers of `info` by name.

    Args:
        env: The environment.
        step: Its last step.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], step: RawStep) -> None:
        self._env, self._step = env, step

    def __call__(self, name: str) -> Float64Array:
        """Return an entry, (n,); zero in rows that are no step.

        Raises:
            UserError: A row has none, or something else than a number.
        """
        info, n = self._step.info, self._env.num_envs
        values, there = self._entry(info, name)
        final = info.get(_FINAL_INFO)
        if isinstance(final, Mapping) and self._step.finals:
            ended = np.zeros(n, np.bool_)
            ended[list(self._step.finals)] = True
            last, in_last = self._entry(final, name)
            values, there = np.where(ended, last, values), np.where(ended, in_last, there)
        if self._step.skipped is not None:
            values, there = np.where(self._step.skipped, 0.0, values), there | self._step.skipped
        if not there.all():
            row = int(np.argmin(there))
            raise UserError(
                f"environment.costs.{name}: environment {row} of {self._env} says no number {name!r} in the info of "
                f"a step; there are: {', '.join(self._numbers(info)) or 'none'}"
            )
        return values

    def _entry(self, info: Mapping[str, Any], name: str) -> tuple[Float64Array, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return an entry, (n,), and which rows have it."""
        n = self._env.num_envs
        try:
            values = np.asarray(info[name], np.float64)
        except (KeyError, TypeError, ValueError):
            return np.zeros(n), np.zeros(n, np.bool_)
        if values.shape != (n,):
            return np.zeros(n), np.zeros(n, np.bool_)
        return values, np.asarray(info.get(f"_{name}", np.ones(n, np.bool_)), np.bool_)

    def _numbers(self, info: Mapping[str, Any]) -> list[str]:
        return sorted(name for name in info if not name.startswith("_") and self._entry(info, name)[1].any())
