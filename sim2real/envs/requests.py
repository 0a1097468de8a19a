"""What callers of Gymnasium's methods ask for: it is obeyed, or refused in one line, and never ignored."""

import os
from typing import Any, NoReturn

import numpy as np

from sim2real.model.addresses import Indices
from sim2real.runtime.contract.observation import Float32Array


def checked_action(action: Any, shape: tuple[int, ...]) -> Float32Array:  # noqa: ANN401 - whatever a caller gives
    """Return actions as float32.

    Args:
        action: What the caller gave.
        shape: (A,) of one environment, (n, A) of many. Nothing is broadcast or reshaped.

    Raises:
        ValueError: They have another shape, or are not finite.
    """
    values = np.asarray(action, np.float32)
    if values.shape != shape:
        raise ValueError(f"an action of shape {values.shape}; valid: {shape}")
    if not np.isfinite(values).all():
        place = tuple(map(int, np.argwhere(~np.isfinite(values))[0]))
        raise ValueError(f"the action at {place} is {float(values[place])}; valid: finite numbers")
    return values


def reset_rows(options: dict[str, Any] | None, num_envs: int, seed: object) -> Indices | None:
    """Return the environments that a reset with options is for; None for all.

    Args:
        options: `reset_mask`, booleans of shape (n,): environments that start anew; the others go on.
        num_envs: n.
        seed: Of the same reset; the environments of a batch share one, so it is for all or none.

    Raises:
        ValueError: Another option, a mask of another shape or type or without any True, or a mask with a seed.
    """
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
    """Refuse options of a reset: there are none. Raises ValueError that names them."""
    if options:
        raise ValueError(f"reset: no option is known, given: {', '.join(map(str, options))}")


def refuse_copy() -> NoReturn:
    """Refuse to pickle or copy an environment. Raises TypeError that says what to do."""
    raise TypeError(
        "an environment holds native simulations and cannot be pickled or copied: make one where it is needed"
    )
