"""`OperatorDesk`: where all devices hand in what a person asks for; one of them is in command."""

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from math import isnan, nan
from typing import Any, Final

from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator.box_writer import BoxWriter
from sim2real.runtime.operator.refusal import RefusedError
from sim2real.runtime.operator.request import Request

GAP_MAX_NS: Final = 400_000_000  # below the age at which the loop takes back what was given


class OperatorDesk:
    """Decides what of the devices' requests the loop sees. Thread-safe.

    Anyone may stop the robot, end the run, or reset. Commands and signs of life count from one device at a time: the
    one that last gave a command or a start. When it leaves, its commands are taken back, and no other device's sign
    of life stands in for its own.

    Args:
        commands: Operator commands of the policy.
        box: Where the loop polls.
        now: Monotonic ns.
    """

    def __init__(
        self, commands: Sequence[CommandSpec], box: BoxWriter, now: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.commands = {command.name: command for command in commands}
        """By name, in the policy's order."""
        self._places = {command.name: place for place, command in enumerate(commands)}
        self._box = box
        self._now = now
        self._lock = threading.Lock()
        self._values = [nan] * len(commands)
        self._in_command: Hashable | None = None
        self._beaten_ns = now()

    @property
    def in_command(self) -> Hashable | None:
        """The device in command; None while there is none."""
        return self._in_command

    def asked_by(self, device: Hashable) -> dict[str, float]:
        """Return the commands that hold from a device, by name; none unless it is in command."""
        with self._lock:
            if device != self._in_command:
                return {}
            pairs = zip(self.commands, self._values, strict=True)
            return {name: value for name, value in pairs if not isnan(value)}

    def beat(self) -> None:
        """Say that the operator process runs; after a gap nothing of what was given before holds any longer."""
        with self._lock:
            now_ns = self._now()
            if now_ns - self._beaten_ns > GAP_MAX_NS:
                self._leave()
            self._beaten_ns = now_ns
            self._box.beat()

    def give(self, device: Hashable, values: Mapping[str, float]) -> None:
        """Take operator commands, SI units, all or none.

        Raises:
            RefusedError: The policy has no such command, or the value is outside its range.
        """
        for name, value in values.items():
            self._check(name, value)
        with self._lock:
            self._take_command(device)
            for name, value in values.items():
                self._values[self._places[name]] = value
            self._box.give(self._values)
            self._box.alive()

    def start(self, device: Hashable) -> None:
        """Ask for torque; the device is in command from here on."""
        with self._lock:
            self._take_command(device)
            self._box.alive()
            self._box.start()

    def alive(self, device: Hashable) -> bool:
        """Take a sign of life; return whether it counts, which it does from the device in command."""
        with self._lock:
            counts = device == self._in_command
            if counts:
                self._box.alive()
            return counts

    def reset(self) -> None:
        """Ask for a reset."""
        with self._lock:
            self._box.reset()

    def stop(self) -> None:
        """Ask for the end of the run."""
        with self._lock:
            self._box.stop()

    def emergency_stop(self) -> None:
        """Ask for an emergency stop."""
        with self._lock:
            self._box.emergency_stop()

    def obey(self, device: Hashable, request: Request) -> dict[str, Any]:
        """Do what the client of a device asks for, but `subscribe`, which is about its connection alone.

        Returns:
            The answer to the client.

        Raises:
            RefusedError: A command is unknown or outside its range.
        """
        if request.do == "estop":
            self.emergency_stop()
        elif request.do == "stop":
            self.stop()
        elif request.do == "reset":
            self.reset()
        elif request.do == "start":
            self.start(device)
        elif request.do == "set":
            self.give(device, request.values)
        elif request.do == "alive":
            return {"ok": True, "in_command": self.alive(device)}
        return {"ok": True}

    def left(self, device: Hashable) -> None:
        """Take back the commands of a device that is gone, if it was in command."""
        with self._lock:
            if device == self._in_command:
                self._leave()

    def _check(self, name: str, value: float) -> None:
        command = self.commands.get(name)
        if command is None:
            valid = ", ".join(self.commands) or "none, the policy takes no commands"
            raise RefusedError(f"no command {name!r}; valid: {valid}")
        if not command.low <= value <= command.high:
            raise RefusedError(f"command {name!r}: {value:g}; valid: {command.low:g} to {command.high:g}")

    def _take_command(self, device: Hashable) -> None:
        if device != self._in_command:
            self._values = [nan] * len(self._values)  # what another device asked for is its own
            self._box.give(self._values)
            self._in_command = device

    def _leave(self) -> None:
        self._in_command = None
        self._values = [nan] * len(self._values)
        self._box.give(self._values)
