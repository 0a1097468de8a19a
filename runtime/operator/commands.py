"""The operator's commands to a policy: what it can be told, within which range, and what it was told last."""

from collections.abc import Sequence

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator.interface import Operator


class OperatorCommands:
    """Checks commands against their ranges and writes them to the record of the loop.

    Args:
        commands: What the policy can be told.
        values: (C,), SI units: written to.
    """

    def __init__(self, commands: Sequence[CommandSpec], values: Float64Array) -> None:
        self._commands, self._values = commands, values
        self._low = np.array([command.low for command in commands])
        self._high = np.array([command.high for command in commands])
        self._asked, self._given = np.zeros(len(commands)), np.zeros(len(commands), np.bool_)

    def set(self, name: str, value: float) -> None:
        """Set one command, SI units.

        Raises:
            UserError: The policy has no such command, or the value is outside its range.
        """
        index = {command.name: index for index, command in enumerate(self._commands)}
        if name not in index:
            raise UserError(f"the policy has no operator command {name!r}; valid: {', '.join(index) or 'none'}")
        command = self._commands[index[name]]
        if not command.low <= value <= command.high:
            raise UserError(
                f"operator command {name!r}: {value} is outside its range; valid: {command.low} to {command.high}"
            )
        self._values[index[name]] = value

    def take(self, operator: Operator) -> None:
        """Take those that an operator's device gives, clipped to their ranges; NaN gives none. Allocates nothing."""
        np.clip(operator.values, self._low, self._high, out=self._asked)
        np.copyto(self._values, self._asked, where=np.isfinite(self._asked, out=self._given))
