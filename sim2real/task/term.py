"""A declared term of each kind: reward, termination, metric, privileged term, command source."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, get_args

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.types import BoolArray, Float64Array, Indices
from sim2real.runtime.contract.mirror_part import Mirrored
from sim2real.task.command_source import CommandSetup, CommandSource
from sim2real.task.measurement import Metric
from sim2real.task.privileged_inputs import PrivilegedInputs, Sizes
from sim2real.task.state import TaskConstants, TaskState

Need = Literal["base", "contact", "effort", "feet", "gait", "pose", "tip", "rail", "travel"]
"""What a term may need beside joint positions, joint velocities, actions and commands: a free base, contact forces,
joint efforts, feet, a gait, commands with the names of joints, a tip with its commands, a rail to rise on, or one to
travel on."""

_REAL: Final = "fiub"  # kinds of dtype

NEEDS: Final[tuple[Need, ...]] = get_args(Need)

RewardFunction = Callable[[TaskState, TaskConstants, float], Float64Array]
"""Returns (n,) values for the weight 1; the number is the term's `scale`."""
TerminationFunction = Callable[[TaskState, TaskConstants, float], BoolArray]
"""Returns True where the episode ends, (n,); the number is the term's `limit`."""
MetricFactory = Callable[[int, TaskConstants], Metric]
"""Makes the metric of n environments."""
PrivilegedFunction = Callable[[PrivilegedInputs], list[Float64Array]]
"""Returns blocks of the critic's input, (k, width) each."""
PrivilegedSize = int | Callable[[Sizes], int]
CommandFactory = Callable[[CommandSetup], CommandSource]
"""Makes the command source of n robots."""


@dataclass(frozen=True)
class Term:
    """A declared term."""

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
        """Return an error of the term, with its place."""
        return UserError(f"{self.place}: {self.noun} {self.name!r} {what}")

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - somebody's function
        """Call a function of the term. Raises UserError, with the whole traceback, if it fails."""
        try:
            return function(*arguments)
        except UserError:
            raise
        except (Exception, SystemExit) as error:  # a term must not end the program, or even with success
            raise self.wrong(f"failed:\n{traceback.format_exc().rstrip()}") from error

    def check_methods(self, made: object, *methods: str) -> None:
        """Refuse what a term made if it lacks a method. Raises UserError."""
        if missing := [name for name in methods if not callable(getattr(made, name, None))]:
            raise self.wrong(f"has no method {', '.join(missing)}; valid: all of {', '.join(methods)}")

    def column(self, values: Any, n: int) -> Any:  # noqa: ANN401 - what a function returned
        """Return real numbers, one for each of n robots. Raises UserError if they are something else."""
        if not (isinstance(values, np.ndarray) and values.shape == (n,)):
            shape = getattr(values, "shape", type(values).__name__)
            raise self.wrong(f"returned {shape}; valid: an array with one value for each robot, ({n},)")
        if values.dtype.kind not in _REAL:
            raise self.wrong(f"returned {values.dtype}; valid: real numbers")
        return values

    def mask(self, values: Any, n: int) -> BoolArray:  # noqa: ANN401 - what a function returned
        """Return booleans, one for each of n robots. Raises UserError if they are something else."""
        found: BoolArray = self.column(values, n)
        if found.dtype != np.bool_:
            raise self.wrong(f"returned {found.dtype}; valid: booleans")
        return found


@dataclass(frozen=True)
class RewardTerm(Term):
    """A reward."""

    noun: ClassVar[str] = "reward"
    signature: ClassVar[str] = "(state, constants, scale)"
    function: RewardFunction

    def __call__(self, state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
        """Return its values, (n,). Raises UserError if the function returns anything else."""
        values: Float64Array = self.column(self.call(self.function, state, constants, scale), len(state.position))
        return values


@dataclass(frozen=True)
class TerminationTerm(Term):
    """A termination."""

    noun: ClassVar[str] = "termination"
    signature: ClassVar[str] = "(state, constants, limit)"
    function: TerminationFunction

    def __call__(self, state: TaskState, constants: TaskConstants, limit: float) -> BoolArray:
        """Return True where the episode ends, (n,). Raises UserError if the function returns anything else."""
        return self.mask(self.call(self.function, state, constants, limit), len(state.position))


@dataclass(frozen=True)
class MetricTerm(Term):
    """A metric."""

    noun: ClassVar[str] = "metric"
    signature: ClassVar[str] = "(n, constants)"
    function: MetricFactory

    def make(self, n: int, constants: TaskConstants) -> Metric:
        """Return the metric of n environments. Raises UserError if it fails or lacks a part of a `Metric`."""
        metric: Metric = self.call(self.function, n, constants)
        self.check_methods(metric, "add", "begin", "finish", "state_dict", "load_state_dict")
        names = getattr(metric, "names", None)
        if not (isinstance(names, tuple) and names and all(isinstance(name, str) for name in names)):
            raise self.wrong("has no `names`, a tuple with the name of each figure")
        return metric

    def figures(self, metric: Metric, ids: Indices) -> dict[str, Float64Array]:
        """Return the figures of k ended episodes, (k,) each. Raises UserError if they are not those of its names."""
        figures = self.call(metric.finish, ids)
        if not (isinstance(figures, dict) and set(figures) == set(metric.names)):
            given = ", ".join(map(str, figures)) if isinstance(figures, dict) else type(figures).__name__
            raise self.wrong(f"returned the figures {given}; valid: {', '.join(metric.names)}")
        return {name: self.column(values, len(ids)) for name, values in figures.items()}


@dataclass(frozen=True)
class PrivilegedTerm(Term):
    """An input of the critic beside the observation."""

    noun: ClassVar[str] = "privileged term"
    signature: ClassVar[str] = "(inputs)"
    function: PrivilegedFunction
    size: PrivilegedSize
    scaled: bool = False
    """Whether its values come scaled to about ±1, and learners use them as they are."""
    mirror: Mirrored | None = None
    """How its values change in a mirror; None: nobody said."""

    def width(self, sizes: Sizes) -> int:
        """Return how many values it has. Raises UserError if its size is no number of values."""
        width: object = self.call(self.size, sizes) if callable(self.size) else self.size
        if isinstance(width, int) and width >= 0:
            return width
        raise self.wrong(f"has the size {width!r}; valid: a whole number")

    def blocks(self, inputs: PrivilegedInputs, n: int, width: int) -> list[Float64Array]:
        """Return its blocks for n robots, `width` values together. Raises UserError if they are something else."""
        blocks: list[Any] = self.call(lambda: list(self.function(inputs)))
        for block in blocks:
            if not (isinstance(block, np.ndarray) and block.ndim == 2 and len(block) == n):
                shape = getattr(block, "shape", type(block).__name__)
                raise self.wrong(f"returned a block of shape {shape}; valid: ({n}, width)")
            if block.dtype.kind not in _REAL:
                raise self.wrong(f"returned {block.dtype}; valid: real numbers")
        if (size := sum(block.shape[1] for block in blocks)) != width:
            raise self.wrong(f"returned {size} values; its declared size is {width}")
        return blocks


@dataclass(frozen=True)
class CommandTerm(Term):
    """A command source."""

    noun: ClassVar[str] = "command source"
    signature: ClassVar[str] = "(setup)"
    function: CommandFactory
    parameters: Mapping[str, float]
    """Numbers that a task may set, with their defaults."""

    def make(self, setup: CommandSetup) -> CommandSource:
        """Return the command source of n robots. Raises UserError if it fails or lacks a part of a `CommandSource`."""
        source: CommandSource = self.call(self.function, setup)
        self.check_methods(source, "begin", "step", "state_dict", "load_state_dict")
        return source
