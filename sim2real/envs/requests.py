"""What callers of Gymnasium's methods ask for: it is obeyed, or refused in one line, and never ignored."""

from typing import Any, NoReturn

import numpy as np

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


def refuse_options(options: dict[str, Any] | None) -> None:
    """Refuse options of a reset: there are none. Raises ValueError that names them."""
    if options:
        raise ValueError(f"reset: no option is known, given: {', '.join(map(str, options))}")


def refuse_copy() -> NoReturn:
    """Refuse to pickle or copy an environment. Raises TypeError that says what to do."""
    raise TypeError(
        "an environment holds native simulations and cannot be pickled or copied: make one where it is needed"
    )
