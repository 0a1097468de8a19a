"""The emulated robot in real time: any client opens its pseudo-terminals like serial ports."""

import ctypes
import gc
import select
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.hardware.emulator.control_socket import ControlSocket
from sim2real.hardware.emulator.pty_port import PtyPort
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.emulator.starvation import Starvation

_STEP_NS = 1_000_000  # time between plant updates: the more there is to catch up, the later is a reply
_QUIET_NS = 300_000  # no plant update this close to the next event; a step of a dozen motors takes a third of it
_CATCH_UP_NS = 100_000_000  # largest delay that is still caught up
REPORT_S = 5.0
_WARM_UP = 20  # rounds
_PR_SET_TIMERSLACK = 29  # linux/prctl.h


class Stop(Protocol):
    """Tells the server to stop, for example a threading.Event."""

    def is_set(self) -> bool:
        """Return whether to stop."""
        ...


class PtyServer:
    """Serves an emulated robot in one thread, which sleeps until the next event.

    Attributes:
        emulated: The robot; read-only while it is served.
        ports: Path of each bus and IMU, by name; unchanged when a port is unplugged and plugged in again.
        serving: Set when it is ready to answer. The garbage collection before that can take longer than a client waits,
            in a large process.
        lost_ns: Emulated time lost because the machine could not keep up with real time.
        starvation: Delays because the machine gave its processors to others.
    """

    def __init__(
        self,
        emulated: EmulatedRobot,
        report: Callable[[str], None] | None = None,
        housekeeping: Callable[[], None] | None = None,
        report_s: float = REPORT_S,
        control: ControlSocket | None = None,
    ) -> None:
        """Create the pseudo-terminals; `close` removes them.

        Args:
            emulated: The robot; only the server may advance it while it is served.
            report: Called with a line when the emulation cannot keep up or was starved.
            housekeeping: Called about once a second between replies; must be quick.
            report_s: Shortest time between two reports, s; what is new meanwhile comes with the next.
            control: Takes orders between replies; the server closes it.
        """
        self.emulated = emulated
        self._report = report
        self._control = control
        self._report_ns = ns_from_s(report_s)
        self._housekeeping = housekeeping
        self._housekeeping_ns = 0
        self._folder = tempfile.TemporaryDirectory(prefix="sim2real-")  # readable by its owner alone
        self._ports = {name: PtyPort(line, Path(self._folder.name) / name) for name, line in emulated.ports.items()}
        self.ports = {name: str(port.link) for name, port in self._ports.items()}
        self.serving = threading.Event()
        self.lost_ns = 0
        self.starvation = Starvation()
        self._said: list[str] = []
        self._unsaid = False
        self._reported_ns = 0
        self._offset_ns = 0
        self._step_ns = max(_STEP_NS, emulated.plant.timestep_ns)

    def serve(self, stop: Stop, started: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` is set, which is noticed within a few milliseconds.

        Args:
            stop: Tells the server to stop.
            started: Called when it is ready; bytes sent earlier may be answered too late.
        """
        # By default the kernel may delay a wake-up by 50 µs to save power, longer than a reply at 4 Mbaud takes.
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
        gc.collect()
        # Exclude long-lived objects from garbage collection: a full collection takes milliseconds.
        gc.freeze()
        self._offset_ns = time.monotonic_ns() - self.emulated.now_ns
        self.starvation.begin(time.monotonic_ns(), time.thread_time_ns())
        for _ in range(_WARM_UP):  # the first steps of a plant take longest
            self._serve_once()
        self.serving.set()
        started()
        try:
            while not stop.is_set():
                self._serve_once()
        finally:
            gc.unfreeze()

    def _serve_once(self) -> None:
        """Answer what has arrived; then advance the plant by a step if there is time, else sleep."""
        looked_ns = time.monotonic_ns()
        if self.starvation.look(looked_ns, time.thread_time_ns()):
            self._unsaid = True
        if self._unsaid and looked_ns - self._reported_ns >= self._report_ns:
            self._say(looked_ns)
        for port in self._ports.values():
            if port.is_open:  # bytes that a client sent before a reply was delivered count as earlier
                port.receive(time.monotonic_ns() - self._offset_ns)
        now_ns = self._time()
        self.emulated.answer(now_ns)
        for port in self._ports.values():
            self._follow_plug(port)
            port.deliver(now_ns)
        behind_ns = now_ns - self.emulated.now_ns - self._step_ns
        if behind_ns >= 0 and self.emulated.next_ns - now_ns > _QUIET_NS:
            self.emulated.advance_to(self.emulated.now_ns + self._step_ns)
            if self._control is not None:
                self._control.attend()
            if self._housekeeping is not None and now_ns >= self._housekeeping_ns:
                self._housekeeping_ns = now_ns + NS_PER_S
                self._housekeeping()
        else:
            self._wait(behind_ns >= 0)

    def close(self) -> None:
        """Remove the ports. Never raises; a second call does nothing."""
        for port in self._ports.values():
            port.close()
        if self._control is not None:
            self._control.close()
        self._folder.cleanup()

    def _time(self) -> int:
        """Return the emulated time; if the robot is too far behind real time, shift the offset and report."""
        now_ns = time.monotonic_ns() - self._offset_ns
        behind_ns = now_ns - self.emulated.now_ns - _CATCH_UP_NS
        if behind_ns > 0:
            self._offset_ns += behind_ns
            self.lost_ns += behind_ns
            now_ns -= behind_ns
            self._unsaid = True
        return now_ns

    def _wait(self, behind: bool) -> None:
        """Sleep until a client sends, opens or closes a port, or the next event; if `behind`, on the wires only."""
        due_ns = self.emulated.next_ns
        if not behind:
            due_ns = min(due_ns, self.emulated.now_ns + self._step_ns)
        now_ns = time.monotonic_ns()
        wait_ns = max(0, due_ns + self._offset_ns - now_ns)
        self.starvation.sleep_until(now_ns + wait_ns)
        # select, because the timeouts of epoll and poll are whole milliseconds.
        descriptors = [descriptor for port in self._ports.values() for descriptor in port.descriptors]
        if self._control is not None:
            descriptors += self._control.descriptors
        select.select(descriptors, [], [], wait_ns / NS_PER_S)

    def _follow_plug(self, port: PtyPort) -> None:
        if port.line.plugged and not port.is_open:
            port.open()
        elif port.is_open and not port.line.plugged:
            port.close()

    def warnings(self) -> list[str]:
        """Return what there is to say about the machine at this moment, a line of each kind."""
        lines = []
        if self.lost_ns:
            lines.append(f"cannot keep up with real time: {self.lost_ns / NS_PER_S:.2f} s lost so far")
        if self.starvation.count:
            lines.append(self.starvation.words())
        return lines

    def _say(self, now_ns: int) -> None:
        """Report what is new since the last report."""
        self._unsaid, self._reported_ns = False, now_ns
        lines = self.warnings()
        for line in lines:
            if self._report is not None and line not in self._said:
                self._report(line)
        self._said = lines
