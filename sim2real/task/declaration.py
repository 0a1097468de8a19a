"""Declares a task's terms: function, name, and needs in one place.

Declarations are kept in the module that makes them: a module has exactly the terms that its text declares.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import unknown
from sim2real.runtime.contract.mirror_part import Mirrored, check_parts
from sim2real.task.term import (
    NEEDS,
    CommandFactory,
    CommandTerm,
    MetricFactory,
    MetricTerm,
    Need,
    PrivilegedFunction,
    PrivilegedSize,
    PrivilegedTerm,
    RewardFunction,
    RewardTerm,
    Term,
    TerminationFunction,
    TerminationTerm,
)

RewardT = TypeVar("RewardT", bound=RewardFunction)
TerminationT = TypeVar("TerminationT", bound=TerminationFunction)
MetricT = TypeVar("MetricT", bound=MetricFactory)
PrivilegedT = TypeVar("PrivilegedT", bound=PrivilegedFunction)
CommandT = TypeVar("CommandT", bound=CommandFactory)

_DECLARED: Final = "__sim2real_terms__"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)  # what a task's YAML can name


def reward(
    name: str | None = None, *, needs: tuple[Need, ...] = (), commands: tuple[str, ...] = ()
) -> Callable[[RewardT], RewardT]:
    """Declare a reward, `(state, constants, scale) -> (n,)`: its values for the weight 1.

    Args:
        name: What a task calls it; the function's own name when left out.
        needs: What it needs of robot and task beside joints and actions; nothing else of the state is filled.
        commands: Commands that the task must have.

    Example:
        >>> @reward(needs=("base",))
        ... def level(state: TaskState, constants: TaskConstants, scale: float) -> Float64Array:
        ...     return np.exp(-np.square(state.base.down[:, 0] / scale))
    """
    return _declaring(RewardTerm, name, 3, needs=needs, commands=commands)


def termination(
    name: str | None = None, *, needs: tuple[Need, ...] = (), commands: tuple[str, ...] = ()
) -> Callable[[TerminationT], TerminationT]:
    """Declare a termination, `(state, constants, limit) -> (n,)`: True where the episode ends. See `reward`."""
    return _declaring(TerminationTerm, name, 3, needs=needs, commands=commands)


def metric(
    name: str | None = None, *, needs: tuple[Need, ...] = (), commands: tuple[str, ...] = ()
) -> Callable[[MetricT], MetricT]:
    """Declare a metric: a class (or function) that makes a `Metric` from `(n, constants)`. See `reward`."""
    return _declaring(MetricTerm, name, 2, needs=needs, commands=commands)


def privileged(
    name: str | None = None,
    *,
    size: PrivilegedSize,
    needs: tuple[Need, ...] = (),
    commands: tuple[str, ...] = (),
    scaled: bool = False,
    mirror: Mirrored | None = None,
) -> Callable[[PrivilegedT], PrivilegedT]:
    """Declare a privileged term, `(inputs) -> [(k, width), …]`: blocks of the critic's input. See `reward`.

    Args:
        name: As for a reward.
        size: Width of all blocks together; a number, or a function of the `Sizes` of robot and randomisation.
        needs: As for a reward.
        commands: As for a reward.
        scaled: Whether its values come scaled to about ±1: learners then use them as they are.
        mirror: How its values change in a mirror, for learners that use the symmetry of a robot; see `MirrorPart`.

    Raises:
        ValueError: There is no such part of a mirror.
    """
    check_parts(mirror)
    return _declaring(PrivilegedTerm, name, 1, needs=needs, commands=commands, size=size, scaled=scaled, mirror=mirror)


def command(
    name: str | None = None,
    *,
    needs: tuple[Need, ...] = (),
    commands: tuple[str, ...] = (),
    parameters: Mapping[str, float] | None = None,
) -> Callable[[CommandT], CommandT]:
    """Declare a command source: a class (or function) that makes a `CommandSource` from a `CommandSetup`.

    Args:
        name: What a task calls it in `command_source.kind`; the class's own name when left out.
        needs: As for a reward.
        commands: As for a reward.
        parameters: Numbers that the task may set in `command_source.parameters`, with their defaults, SI.
    """
    return _declaring(CommandTerm, name, 1, needs=needs, commands=commands, parameters=dict(parameters or {}))


def declared_in(module: Any) -> tuple[Term, ...]:  # noqa: ANN401 - any object with a namespace
    """Return the terms that a module declares, in order; names may repeat."""
    _, terms = vars(module).get(_DECLARED, (None, ()))
    return tuple(terms)


def _declaring(
    kind: Callable[..., Term],
    name: str | None,
    arguments: int,
    **declared: Any,  # noqa: ANN401 - fields of the kinds
) -> Callable[[Any], Any]:
    if not (name is None or isinstance(name, str)):
        raise TypeError("a declaration takes parentheses: write @reward() rather than @reward")

    def declare(target: Any) -> Any:  # noqa: ANN401 - a function or class of one of the kinds
        frame = inspect.currentframe()
        if frame is None or frame.f_back is None:
            raise RuntimeError("a declaration has to know where it is made, and this Python has no frames")
        caller = frame.f_back  # not the module of the target: that of a function which was imported is another
        term = kind(name or _own_name(target), target, f"{caller.f_code.co_filename}:{caller.f_lineno}", **declared)
        _check(term, target, arguments)
        _keep(caller.f_globals, term)
        return target

    return declare


def _is_tuple_of_text(names: object) -> bool:
    return isinstance(names, tuple) and all(isinstance(name, str) for name in names)


def _own_name(target: object) -> str:
    own = getattr(target, "__name__", None)
    if not isinstance(own, str):
        raise TypeError(f"a {type(target).__name__} has no name of its own: give it one, as in @reward('level')")
    return own


def _keep(namespace: dict[str, Any], term: Term) -> None:
    """Add a term to its module; reloading the module starts a new list."""
    spec, terms = namespace.get(_DECLARED, (None, []))
    if spec is not namespace.get("__spec__"):
        terms = []
    namespace[_DECLARED] = (namespace.get("__spec__"), [*terms, term])


def _check(term: Term, target: Callable[..., Any], arguments: int) -> None:
    """Refuse a declaration that cannot be used. Raises ConfigError at its place."""
    where = f"{term.place}: {term.noun} {term.name!r}"
    if not _NAME.fullmatch(term.name):
        raise ConfigError(f"{where}: the name must be letters, digits and underscores, beginning with a letter")
    for what, names in (("needs", term.needs), ("commands", term.commands)):
        if not _is_tuple_of_text(names):
            raise ConfigError(f"{where}: {what} must be a tuple of names, as in {what}=('name',)")
    for need in term.needs:
        if need not in NEEDS:
            raise ConfigError(f"{where}: {unknown('need', need, NEEDS)}")
    try:
        inspect.signature(target).bind(*[None] * arguments)
    except TypeError:
        raise ConfigError(f"{where}: the {term.noun} must take {term.signature}") from None
