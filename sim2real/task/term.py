"""A declared term of each kind: rewards, ends, metrics, privileged terms, sources of commands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, get_args

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.task.command_source import CommandSetup, CommandSource
from sim2real.task.measurement import Metric
from sim2real.task.seen import Seen, Sizes
from sim2real.task.state import TaskConstants, TaskState

Need = Literal["base", "effort", "feet", "gait", "tip", "rail", "travel"]
"""What a term may need beside joint positions, joint velocities, actions and commands: a free base, joint efforts,
feet, a gait, a tip with its commands, a rail to rise on, or one to travel on."""

NEEDS: Final[tuple[Need, ...]] = get_args(Need)

RewardFunction = Callable[[TaskState, TaskConstants, float], Float64Array]
"""Returns (n,) values for the weight 1; the number is the term's `scale`."""
TerminationFunction = Callable[[TaskState, TaskConstants, float], BoolArray]
"""Returns whose episodes end, (n,); the number is the term's `limit`."""
MetricFactory = Callable[[int, TaskConstants], Metric]
"""Makes the metric of n environments."""
PrivilegedFunction = Callable[[Seen], list[Float64Array]]
"""Returns blocks, (k, width) each, that stand side by side."""
PrivilegedSize = int | Callable[[Sizes], int]
CommandFactory = Callable[[CommandSetup], CommandSource]
"""Makes the source of commands of n robots."""


@dataclass(frozen=True)
class Term:
    """What every declaration holds."""

    noun: ClassVar[str]
    """What a term of this kind is called in messages."""
    signature: ClassVar[str]
    """What the declared function takes."""

    name: str
    function: Callable[..., Any]
    place: str
    """`file:line` of the declaration."""
    needs: tuple[Need, ...]
    commands: tuple[str, ...]
    """Commands that the task must have."""

    def wrong(self, what: str) -> UserError:
        """Return the error of a function that did not return what its kind must."""
        return UserError(f"{self.place}: {self.noun} {self.name!r} {what}")

    def _column(self, values: Any, n: int) -> Any:  # noqa: ANN401 - what somebody's function returned
        """Return values that are one for each of n robots. Raises UserError if they are not."""
        if not (isinstance(values, np.ndarray) and values.shape == (n,)):
            shape = getattr(values, "shape", type(values).__name__)
            raise self.wrong(f"returned {shape}; valid: an array with one value for each robot, ({n},)")
        return values


@dataclass(frozen=True)
class RewardTerm(Term):
    """A reward."""

    noun: ClassVar[str] = "reward"
    signature: ClassVar[str] = "(state, constants, scale)"
    function: RewardFunction

    def __call__(self, state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
        """Return its values, (n,). Raises UserError if the function returns anything else."""
        values: Float64Array = self._column(self.function(state, constants, scale), len(state.position))
        return values


@dataclass(frozen=True)
class TerminationTerm(Term):
    """An end of episodes."""

    noun: ClassVar[str] = "termination"
    signature: ClassVar[str] = "(state, constants, limit)"
    function: TerminationFunction

    def __call__(self, state: TaskState, constants: TaskConstants, limit: float) -> BoolArray:
        """Return whose episodes end, (n,). Raises UserError if the function returns anything else."""
        ends: BoolArray = self._column(self.function(state, constants, limit), len(state.position))
        if ends.dtype != np.bool_:
            raise self.wrong(f"returned {ends.dtype}; valid: booleans")
        return ends


@dataclass(frozen=True)
class MetricTerm(Term):
    """A metric."""

    noun: ClassVar[str] = "metric"
    signature: ClassVar[str] = "(n, constants)"
    function: MetricFactory


@dataclass(frozen=True)
class PrivilegedTerm(Term):
    """What a critic may see beside the observation."""

    noun: ClassVar[str] = "privileged term"
    signature: ClassVar[str] = "(seen)"
    function: PrivilegedFunction
    size: PrivilegedSize

    def width(self, sizes: Sizes) -> int:
        """Return how many values it has."""
        return self.size if isinstance(self.size, int) else self.size(sizes)


@dataclass(frozen=True)
class CommandTerm(Term):
    """A source of commands."""

    noun: ClassVar[str] = "command source"
    signature: ClassVar[str] = "(setup)"
    function: CommandFactory
    parameters: Mapping[str, float]
    """Numbers that a task may set, with their defaults."""
