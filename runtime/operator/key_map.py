"""`KeyMap`: what each key asks for."""

from collections.abc import Sequence
from typing import Final

from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator.desk import OperatorDesk

STEPS: Final = 20
"""Presses from one end of a command's range to the other."""

_PAIRS: Final = (("w", "s"), ("a", "d"), ("q", "e"))
_ARROWS: Final = {"up": "w", "down": "s", "left": "a", "right": "d"}
_DEVICE: Final = "keyboard"


class KeyMap:
    """Turns keys into requests. Every key is also a sign of life while the keyboard is in command.

    Enter starts, space is the emergency stop, x ends the run, r resets, 0 sets the commands back. Pairs of keys raise
    and lower the first three commands: w s, a d, q e, or the arrows; a digit selects any command for + and -.
    """

    def __init__(self, commands: Sequence[CommandSpec], desk: OperatorDesk) -> None:
        self._commands = tuple(commands)
        self._desk = desk
        self._selected = 0
        self._steps = {
            key: (place, sign)
            for place, pair in enumerate(_PAIRS[: len(self._commands)])
            for key, sign in zip(pair, (1.0, -1.0), strict=True)
        }

    def press(self, key: str) -> None:
        """Do what a key asks for."""
        desk, key = self._desk, _ARROWS.get(key, key)
        if key == "space":
            desk.emergency_stop()
        elif key == "x":
            desk.stop()
        elif key == "r":
            desk.reset()
        elif key == "enter":
            desk.start(_DEVICE)
        elif key in self._steps:
            self._step(*self._steps[key])
        elif key in ("+", "=", "-") and self._commands:
            self._step(self._selected, -1.0 if key == "-" else 1.0)
        elif key == "0" and self._commands:
            desk.give(_DEVICE, {command.name: command.default for command in self._commands})
        elif key.isdecimal() and 1 <= int(key) <= len(self._commands):
            self._selected = int(key) - 1
        desk.alive(_DEVICE)

    def leave(self) -> None:
        """Take the keyboard's commands back."""
        self._desk.left(_DEVICE)

    def _step(self, place: int, sign: float) -> None:
        command = self._commands[place]
        asked = self._desk.asked_by(_DEVICE).get(command.name, command.default)
        value = asked + sign * (command.high - command.low) / STEPS
        value = round(value, 9)  # twenty steps up and down end where they began
        self._desk.give(_DEVICE, {command.name: min(max(value, command.low), command.high)})


def keys_text(commands: Sequence[CommandSpec]) -> str:
    """Return the keys in one line, for the view."""
    pairs = [f"{''.join(pair)} {command.name}" for pair, command in zip(_PAIRS, commands, strict=False)]
    more = ["1-9 + - others"] if len(commands) > len(_PAIRS) else []
    back = ["0 back"] if commands else []
    return " · ".join(["enter start", "space E-STOP", "x end", "r reset", *pairs, *more, *back])
