"""What callers of Gymnasium's methods ask for: it is obeyed, or refused in one line, and never ignored."""

import os
from collections.abc import Mapping
from operator import index
from random import SystemRandom
from typing import Any, NoReturn

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.model.addresses import Indices
from sim2real.runtime.contract.observation import Float32Array

_ENVIRONMENTS_MAX, _THREADS_MAX = 65_536, 1024  # as in experiments
_SEED_END = 2**32
_RESET_SEED_END = 2**64  # the random streams have 64 bits; Gymnasium's seeds have no end
_REAL = "fiub"


def chosen_seed(seed: int | None) -> int:
    """Return the seed of a new environment; one from the operating system for None.

    Raises:
        UserError: It is out of range.
        TypeError: It is not a whole number.
    """
    chosen = SystemRandom().randrange(_SEED_END) if seed is None else index(seed)
    if not 0 <= chosen < _SEED_END:
        raise UserError(f"seed: {seed}; valid: 0 to {_SEED_END - 1}")
    return chosen


def checked_size(num_envs: int) -> int:
    """Return the number of environments of a vector. Raises UserError out of range, TypeError if it is not whole."""
    if not 1 <= index(num_envs) <= _ENVIRONMENTS_MAX:
        raise UserError(f"num_envs: {num_envs}; valid: 1 to {_ENVIRONMENTS_MAX}, or None for one gymnasium.Env")
    return index(num_envs)


def checked_threads(threads: int) -> int:
    """Return the number of threads of a vector. Raises UserError out of range, TypeError if it is not whole."""
    if not 0 <= index(threads) <= _THREADS_MAX:
        raise UserError(f"threads: {threads}; valid: 1 to {_THREADS_MAX}, or 0 for every core")
    return index(threads)


def refuse_long_seed(seed: int | None) -> None:
    """Refuse a seed of a reset that two streams of random numbers would share. Raises ValueError."""
    if seed is not None and seed >= _RESET_SEED_END:
        raise ValueError(f"seed: {seed}; valid: 0 to {_RESET_SEED_END - 1}")


def checked_action(action: Any, shape: tuple[int, ...]) -> Float32Array:  # noqa: ANN401 - whatever a caller gives
    """Return actions as float32.

    Args:
        action: What the caller gave.
        shape: (A,) of one environment, (n, A) of many. Nothing is broadcast or reshaped.

    Raises:
        ValueError: They have another shape, are not real numbers, or not finite in float32.
    """
    given = np.asarray(action)
    if given.shape != shape:
        raise ValueError(f"an action of shape {given.shape}; valid: {shape}")
    if given.dtype.kind not in _REAL:
        raise ValueError(f"an action of type {given.dtype}; valid: real numbers")
    with np.errstate(over="ignore"):
        values = given.astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        place = tuple(map(int, np.argwhere(~np.isfinite(values))[0]))
        raise ValueError(f"the action at {place} is {float(given[place])}; valid: finite numbers of float32")
    return values


def reset_rows(options: dict[str, Any] | None, num_envs: int, seed: object) -> Indices | None:
    """Return the environments that a reset with options is for; None for all.

    Args:
        options: `reset_mask`, booleans of shape (n,): environments that start anew; the others go on.
        num_envs: n.
        seed: Of the same reset; the environments of a batch share one, so it is for all or none.

    Raises:
        ValueError: Another option, a mask of another shape or type or without any True, or a mask with a seed.
        TypeError: Options that are no dict.
    """
    _refuse_other_than_dict(options)
    if not options:
        return None
    unknown = [str(key) for key in options if key != "reset_mask"]
    if unknown:
        raise ValueError(f"reset: no option {', '.join(unknown)}; valid: reset_mask")
    mask = np.asarray(options["reset_mask"])
    if mask.dtype != np.bool_ or mask.shape != (num_envs,):
        raise ValueError(f"reset_mask: {mask.dtype} of shape {mask.shape}; valid: bool of shape ({num_envs},)")
    if not mask.any():
        raise ValueError("reset_mask: no environment is to be reset; valid: at least one True")
    if seed is not None:
        raise ValueError("reset_mask with a seed: the environments of a batch share one seed; give one of them")
    rows: Indices = np.flatnonzero(mask)
    return rows


def refuse_other_process(process: int) -> None:
    """Raise RuntimeError in a process that did not make the environment: its threads are in the other one."""
    if os.getpid() != process:
        raise RuntimeError("this environment was made in another process, before a fork: make one in this process")


def refuse_options(options: dict[str, Any] | None) -> None:
    """Refuse options of a reset: there are none. Raises ValueError that names them, TypeError if they are no dict."""
    _refuse_other_than_dict(options)
    if options:
        raise ValueError(f"reset: no option is known, given: {', '.join(map(str, options))}")


def refuse_copy() -> NoReturn:
    """Refuse to pickle or copy an environment. Raises TypeError that says what to do."""
    raise TypeError(
        "an environment holds native simulations and cannot be pickled or copied: make one where it is needed"
    )


def _refuse_other_than_dict(options: object) -> None:
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"options of a reset: {options!r}; valid: None or a dict")
