"""Serves an emulated robot on pseudo-terminals until a signal arrives."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.emulator.control_socket import ControlSocket
from sim2real.hardware.emulator.hand_orders import WARNINGS, obey
from sim2real.hardware.emulator.plant import make_plant
from sim2real.hardware.emulator.pty import REPORT_S, PtyServer
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.emulator.state import StateFile


def serve(
    robot: RobotConfig,
    plant: str,
    faults: FaultsConfig | None,
    state: Path | None,
    announce: Callable[[dict[str, Any]], None],
    warn: Callable[[str], None],
    warn_s: float = REPORT_S,
    prepare: Callable[[EmulatedRobot], None] = lambda emulated: None,
    control: Path | None = None,
) -> None:
    """Serve a robot until SIGINT, SIGTERM or SIGHUP. Call only from the main thread: it handles these signals.

    Args:
        robot: The robot.
        plant: Name of the plant, not `auto`.
        faults: Faults to inject.
        state: File for the persistent settings of motors and IMUs.
        announce: Called with the ports when they are ready: `robot`, and `ports`, each with `name`, `kind`, `protocol`,
            `path`, `baudrate`, `ids`.
        warn: Called with a line when the machine cannot keep up with real time, or gave the emulator no processor.
        warn_s: Shortest time between two such lines of a kind, s.
        prepare: Called with the emulated robot before it is served; a UserError ends it.
        control: Socket for the orders of `sim2real hand`.

    Raises:
        UserError: The plant does not exist or is not installed, or the state file cannot be read or written.
    """
    emulated = EmulatedRobot(robot, make_plant(plant, robot), faults)
    prepare(emulated)
    memory = _state_file(state, emulated) if state is not None else None
    if memory is not None:
        memory.load(emulated.now_ns)
        memory.save()  # fail now if the file cannot be written
    housekeeping = memory.save if memory is not None else None

    def answer(order: dict[str, Any]) -> dict[str, Any]:
        return {"warnings": server.warnings()} if order.get("do") == WARNINGS else obey(emulated.hands, order)

    hands = None if control is None else ControlSocket(control, answer)
    server = PtyServer(emulated, report=warn, housekeeping=housekeeping, report_s=warn_s, control=hands)
    try:
        with _until_signal() as stop:
            ports = [_port(emulated, name, path) for name, path in server.ports.items()]
            server.serve(stop, lambda: announce({"robot": robot.name, "ports": ports}))
    finally:
        server.close()
        if memory is not None:
            memory.save()


def _state_file(path: Path, emulated: EmulatedRobot) -> StateFile:
    units = {name: line.unit for name, line in emulated.imus.items()}
    return StateFile(path, emulated.config, emulated.motors, units)


def _port(emulated: EmulatedRobot, name: str, path: str) -> dict[str, Any]:
    robot = emulated.config
    is_bus = name in robot.buses
    config = robot.buses[name] if is_bus else robot.imus[name]
    return {
        "name": name,
        "kind": "bus" if is_bus else "imu",
        "protocol": config.protocol,
        "path": path,
        "baudrate": round(config.baudrate),
        "ids": [motor.id for motor in emulated.lines[name].motors] if is_bus else [],
    }


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """Turn the signals into an event: the ports are removed, the exit status is 0. `nohup` stays in force."""
    stop = threading.Event()

    def request(number: int, frame: FrameType | None) -> None:
        stop.set()

    taken = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        taken.append(signal.SIGHUP)
    before = {number: signal.signal(number, request) for number in taken}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
