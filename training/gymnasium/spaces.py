"""What our learners take of Gymnasium's spaces: boxes as flat rows in single precision, and discrete actions."""

import math
from typing import Any, Final

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray

from sim2real.configs.errors import UserError
from sim2real.training.environment_interface import Floats

_NAMED_MAX: Final = 5


class ObservationRows:
    """Flattens observations of any shape and type to rows of float32.

    Args:
        space: Observation space of one environment.

    Raises:
        UserError: It is not a box of numbers.
    """

    def __init__(self, space: Space[Any]) -> None:
        box = _box(space, "observation", "; gymnasium.wrappers.vector.FlattenObservation makes one of a Dict or Tuple")
        self.shape: Final = box.shape
        self.dtype: Final = box.dtype
        self.size: Final = math.prod(self.shape)
        if self.size == 0:
            raise UserError(f"observation space {space}: has no values")

    def write(self, observations: Any, rows: Floats) -> None:  # noqa: ANN401 - whatever the environment returns
        """Write observations, (n, *shape), into rows, (n, O).

        Raises:
            UserError: They have another shape.
        """
        values = np.asarray(observations)
        if values.shape != (len(rows), *self.shape):
            raise UserError(
                f"the environment returned observations of shape {values.shape}; its space says "
                f"{(len(rows), *self.shape)}"
            )
        with np.errstate(over="ignore"):  # beyond single precision: infinite, which stops the run by name
            rows[...] = values.reshape(rows.shape)


class ChoiceMap:
    """Maps a learner's action, the number of a choice as a float, to a discrete action.

    Args:
        space: Action space of one environment.
    """

    size: int = 1
    shape: tuple[int, ...] = ()
    choices: Floats
    """All actions, (K, 1)."""

    def __init__(self, space: Discrete) -> None:
        self.dtype: Final = space.dtype
        self.choices = np.arange(space.start, space.start + space.n, dtype=np.float32)[:, None]
        self.low, self.high = self.choices[0], self.choices[-1]

    def __call__(self, actions: Floats) -> NDArray[Any]:
        """Return actions of the environment, (n,), for a learner's, (n, 1)."""
        return np.clip(np.rint(actions[:, 0]), self.low, self.high).astype(self.dtype)


class ActionMap:
    """Maps actions of a learner, clipped to ±1, to the bounds of a box: (1 − s)·low + s·high, s = (a + 1)/2.

    Args:
        space: Action space of one environment.

    Raises:
        UserError: It is not a box of real numbers with finite bounds.
    """

    def __init__(self, space: Space[Any]) -> None:
        box = _box(space, "action", "")
        low, high = np.asarray(box.low, np.float64).ravel(), np.asarray(box.high, np.float64).ravel()
        if not low.size:
            raise UserError(f"action space {space}: has no values")
        if not np.issubdtype(box.dtype, np.floating):
            raise UserError(
                f"action space {space}: actions of type {box.dtype} are not continuous; valid: float32, float64"
            )
        endless = np.flatnonzero(~(np.isfinite(low) & np.isfinite(high)))
        if len(endless):
            names = ", ".join(map(str, endless[:_NAMED_MAX])) + (", …" if len(endless) > _NAMED_MAX else "")
            raise UserError(
                f"action space {space}: the bounds of action {names} are not finite; give the environment the range "
                "that it is to act in, as action_space = Box(low, high)"
            )
        self.choices: Final = None
        self.size: Final = int(low.size)
        self.shape: Final = box.shape
        self.dtype: Final = box.dtype
        self.low, self.high = box.low.ravel(), box.high.ravel()

    def __call__(self, actions: Floats) -> NDArray[Any]:
        """Return actions of the environment, (n, *shape), within its bounds, for a learner's, (n, A)."""
        share = (np.clip(actions, -1.0, 1.0).astype(self.dtype) + 1.0) / 2.0
        mixed = self.low * (1.0 - share) + self.high * share  # exact at ±1, and no difference that overflows
        bounded: NDArray[Any] = np.clip(mixed, self.low, self.high)  # rounding may go past a bound
        return bounded.reshape(len(actions), *self.shape)


def action_map(space: Space[Any]) -> "ActionMap | ChoiceMap":
    """Return how a learner's actions become those of a space. Raises UserError."""
    return ChoiceMap(space) if isinstance(space, Discrete) else ActionMap(space)


def _box(space: Space[Any], what: str, wrapper: str) -> Box:
    if not isinstance(space, Box):
        raise UserError(f"{what} space {type(space).__name__}: our learners take a Box{wrapper}")
    return space
