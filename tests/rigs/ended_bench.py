"""A bench in this process on which something happens at any write of a command, and hands that then mend it."""

import signal

from rigs.plugged import Plugged
from typer.testing import CliRunner

from sim2real.hardware.commands.motors import app

PATH = "/dev/bench"


class Killed(BaseException):
    """The process is gone: nothing that it would still do is done."""


class EndedBench(Plugged):
    """One bus of a robot; a command on it is ended at a write.

    Args:
        monkeypatch: Of pytest.
        config: The robot.
        settings: What its motors have saved, beside what is factory-new.
        at: Number of the write before which it happens, from 1; never with 0.
        how: A signal, `kill`, `unplug` (the adapter) or `disconnect` (the first motor).
    """

    def __init__(self, monkeypatch, config, settings, at=0, how=signal.SIGINT) -> None:
        self.writes, self.dead = 0, False
        self.states = []
        """What the motors have saved before each write."""
        self._at, self._how = at, how
        super().__init__(monkeypatch, bench=(config, next(iter(config.buses))))
        self.robot = self.emulated[PATH]
        for motor in self.robot.motors.values():
            motor.restore(motor.saved() | settings)
        self.power_cycle()

    def saved(self):
        return {name: dict(motor.saved()) for name, motor in self.robot.motors.items()}

    def power_cycle(self) -> None:
        for motor in self.robot.motors.values():
            motor.boot(self.clock.now_ns(), 0)

    def invoke(self, *words):
        """Run a command to its end; None if it was killed."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return CliRunner().invoke(app, [*words, "--port", PATH])
        except Killed:
            return None
        finally:
            signal.signal(signal.SIGINT, before)

    def mend(self) -> None:
        """Plug in what was pulled; a new process begins."""
        self.dead, self._at = False, 0
        self.robot.hands.plug()
        self.robot.hands.connect("all")

    def _open(self, path, baudrate, clock):
        port = super()._open(path, baudrate, clock)
        write = port.write

        def happen(data) -> None:
            self.writes += 1
            self.states.append(self.saved())
            if self.writes == self._at:
                self._happen()
            write(data)

        port.write = self._of_a_process(happen)
        for name in ("read_into", "drain", "set_baudrate"):
            setattr(port, name, self._of_a_process(getattr(port, name)))
        return port

    def _of_a_process(self, method):
        def call(*arguments):
            if self.dead:
                raise Killed
            return method(*arguments)

        return call

    def _happen(self) -> None:
        if self._how == "kill":
            self.dead = True
            raise Killed
        if self._how == "unplug":
            self.robot.hands.unplug()
        elif self._how == "disconnect":
            self.robot.hands.disconnect(next(iter(self.robot.motors)))
        else:
            signal.raise_signal(self._how)
