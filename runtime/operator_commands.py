"""The operator's commands as the policy sees them: inside their ranges, and no faster than they may change."""

import numpy as np

from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.spec import Contract


class OperatorCommands:
    """Brings the operator commands of a policy towards what a device asks for.

    Args:
        contract: The C operator commands and their ranges.
        crossing_time: s, shortest time in which a command crosses its whole range.
    """

    def __init__(self, contract: Contract, crossing_time: float) -> None:
        self._low = np.array([command.low for command in contract.commands])
        self._high = np.array([command.high for command in contract.commands])
        self._rate = (self._high - self._low) / crossing_time
        self._wanted, self._step = np.zeros(len(self._low)), np.zeros(len(self._low))
        self._given = np.zeros(len(self._low), np.bool_)

    def follow(self, values: Float64Array, commands: Float64Array, elapsed_s: float) -> None:
        """Move the commands, (C,), in place.

        Args:
            values: (C,) what is asked for, SI units; NaN keeps the command as it is.
            commands: (C,) what the policy sees.
            elapsed_s: Time since the last call, s.
        """
        wanted, step = self._wanted, self._step
        np.isfinite(values, out=self._given)
        np.clip(values, self._low, self._high, out=wanted)
        np.multiply(self._rate, elapsed_s, out=step)
        np.subtract(commands, step, out=self._step)
        np.maximum(wanted, step, out=wanted)
        np.multiply(self._rate, elapsed_s, out=step)
        np.add(commands, step, out=step)
        np.minimum(wanted, step, out=wanted)
        np.copyto(commands, wanted, where=self._given)
