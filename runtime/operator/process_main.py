"""The operator process's program: devices and panel, from people to the memory that the loop polls.

It outlives nothing: when the run ends, for whatever reason, it restores the terminal, removes its socket, and exits.
"""

import selectors
import signal
import sys
from contextlib import ExitStack
from typing import Any, Final

from sim2real.configs.errors import UserError
from sim2real.runtime.operator.box_writer import BoxWriter
from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.desk import OperatorDesk
from sim2real.runtime.operator.device import Device
from sim2real.runtime.operator.device_option import device_of
from sim2real.runtime.operator.life import Life, answer
from sim2real.runtime.operator.panel import Panel
from sim2real.runtime.operator.run_state import RunState
from sim2real.runtime.ring import RingReader

_PERIOD_S: Final = 0.02  # of the beat, and so of a held button's sign of life

_IGNORED: Final = ("SIGINT", "SIGQUIT", "SIGTSTP", "SIGTTOU", "SIGTTIN", "SIGHUP", "SIGTERM")
"""The terminal sends them to the run as well, which ends in order and still wants its operator until then."""


def main() -> None:
    """Serve until the run ends."""
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    life = Life()
    task, briefing = life.task, Briefing.of_json(life.task["briefing"])
    box = BoxWriter(int(task["box"]), len(briefing.commands))
    desk = OperatorDesk(briefing.commands, box)
    ring, state = RingReader(int(task["ring"])), RunState(briefing)
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        selector.register(life.descriptor, selectors.EVENT_READ, None)
        try:
            devices, said = _opened(task, desk, state, selector, stack)
        except UserError as error:
            answer({"error": str(error)})
            return
        answer({"ready": True, **said})
        serve(selector, life, ring, state, devices, desk)


def serve(
    selector: selectors.BaseSelector,
    life: Life,
    ring: RingReader,
    state: RunState,
    devices: list[Device],
    desk: OperatorDesk,
) -> None:
    """Serve the devices until the run ends."""
    while not life.over():
        for key, _ in selector.select(_PERIOD_S):
            if key.data is None:
                return
            key.data()
        desk.beat()
        while (row := ring.pop()) is not None:
            state.take(ring.layout.plain(row))
        for device in devices:
            device.beat()


def _opened(
    task: dict[str, Any], desk: OperatorDesk, state: RunState, selector: selectors.BaseSelector, stack: ExitStack
) -> tuple[list[Device], dict[str, Any]]:
    devices = [device_of(option, desk, state) for option in task["devices"]]
    said: dict[str, Any] = {}
    if task["panel"] is not None:
        panel = Panel(int(task["panel"]), desk, state)
        devices.append(panel)
    for device in devices:
        stack.callback(device.close)
        device.open(selector)
    if task["panel"] is not None:
        said["panel"] = panel.url
    return devices, said


if __name__ == "__main__":
    main()
    sys.exit(0)
