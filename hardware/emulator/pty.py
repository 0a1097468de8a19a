"""The emulated robot in real time: its buses as pseudo-terminals that any client opens like serial ports."""

import ctypes
import gc
import select
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.emulator.pty_port import PtyPort
from sim2real.hardware.emulator.robot import EmulatedRobot

_STEP_NS = 1_000_000  # how long the world is left alone: the more there is to catch up, the later is an answer
_QUIET_NS = 300_000  # before something is due on the wires; a step of a dozen motors takes a third of that
_CATCH_UP_NS = 100_000_000  # how far behind it may be and still catch up
_REPORT_NS = 5 * NS_PER_S
_PR_SET_TIMERSLACK = 29  # linux/prctl.h


class Stop(Protocol):
    """What tells the server to end, such as a threading.Event."""

    def is_set(self) -> bool:
        """Return whether to end."""
        ...


class PtyServer:
    """Serves an emulated robot. One thread, which sleeps until something is due.

    Attributes:
        emulated: The robot; while it is served, it is for looking at only.
        ports: Path of each bus and IMU, by name; it stays the same when the port is unplugged and comes back.
        serving: Set once it answers: looking through the objects of a large process before that can take longer than a
            client waits.
        lost_ns: World time given up because the machine could not keep up with the wall clock.
    """

    def __init__(
        self,
        emulated: EmulatedRobot,
        report: Callable[[str], None] | None = None,
        housekeeping: Callable[[], None] | None = None,
    ) -> None:
        """Make the pseudo-terminals; `close` removes them.

        Args:
            emulated: The robot; only the server may advance it while it is served.
            housekeeping: Called about once a second between answers; it must be quick.
            report: Takes a line when the emulation cannot keep up, at most every few seconds.
        """
        self.emulated = emulated
        self._report = report
        self._housekeeping = housekeeping
        self._housekeeping_ns = 0
        self._folder = tempfile.TemporaryDirectory(prefix="sim2real-")  # readable by its owner alone
        self._ports = {name: PtyPort(line, Path(self._folder.name) / name) for name, line in emulated.ports.items()}
        self.ports = {name: str(port.link) for name, port in self._ports.items()}
        self.serving = threading.Event()
        self.lost_ns = 0
        self._reported_ns = 0
        self._offset_ns = 0
        self._step_ns = max(_STEP_NS, emulated.plant.timestep_ns)

    def serve(self, stop: Stop, started: Callable[[], None] = lambda: None) -> None:
        """Serve until told to stop, which is noticed within a few milliseconds.

        Args:
            stop: Tells it to end.
            started: Called once it answers; what a client sends before may be answered too late.
        """
        # The kernel may delay a wake-up by 50 µs to save power; a reply at 4 Mbaud takes less than that.
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
        gc.collect()
        # What lives as long as the server need not be looked at again: a full collection takes milliseconds.
        gc.freeze()
        self._offset_ns = time.monotonic_ns() - self.emulated.now_ns
        self.serving.set()
        started()
        try:
            while not stop.is_set():
                self._serve_once()
        finally:
            gc.unfreeze()

    def _serve_once(self) -> None:
        """Answer what has come; then, if there is time, let the world catch up by a step, else sleep."""
        for port in self._ports.values():
            if port.is_open:  # what a client sent before a reply was out counts as sent before it
                port.receive(time.monotonic_ns() - self._offset_ns)
        now_ns = self._time()
        self.emulated.answer(now_ns)
        for port in self._ports.values():
            self._follow_plug(port)
            port.deliver(now_ns)
        behind_ns = now_ns - self.emulated.now_ns - self._step_ns
        if behind_ns >= 0 and self.emulated.next_ns - now_ns > _QUIET_NS:
            self.emulated.advance_to(self.emulated.now_ns + self._step_ns)
            if self._housekeeping is not None and now_ns >= self._housekeeping_ns:
                self._housekeeping_ns = now_ns + NS_PER_S
                self._housekeeping()
        else:
            self._wait(behind_ns >= 0)

    def close(self) -> None:
        """Remove the ports. Never raises; closing twice does nothing."""
        for port in self._ports.values():
            port.close()
        self._folder.cleanup()

    def _time(self) -> int:
        """Return the world's time; where it is too far behind the wall clock, the wall clock's offset gives way."""
        now_ns = time.monotonic_ns() - self._offset_ns
        behind_ns = now_ns - self.emulated.now_ns - _CATCH_UP_NS
        if behind_ns > 0:
            self._offset_ns += behind_ns
            self.lost_ns += behind_ns
            now_ns -= behind_ns
            self._warn()
        return now_ns

    def _wait(self, behind: bool) -> None:
        """Sleep until a client sends, comes or goes, or something is due: on the wires alone where the world waits."""
        due_ns = self.emulated.next_ns
        if not behind:
            due_ns = min(due_ns, self.emulated.now_ns + self._step_ns)
        wait_ns = due_ns - (time.monotonic_ns() - self._offset_ns)
        # select, because epoll and poll wait in whole milliseconds.
        descriptors = [descriptor for port in self._ports.values() for descriptor in port.descriptors]
        select.select(descriptors, [], [], max(0, wait_ns) / NS_PER_S)

    def _follow_plug(self, port: PtyPort) -> None:
        if port.line.plugged and not port.is_open:
            port.open()
        elif port.is_open and not port.line.plugged:
            port.close()

    def _warn(self) -> None:
        now_ns = time.monotonic_ns()
        if self._report is not None and now_ns - self._reported_ns >= _REPORT_NS:
            self._reported_ns = now_ns
            self._report(f"cannot keep up with real time: {self.lost_ns / NS_PER_S:.2f} s lost so far")
