"""An emulated robot served on pseudo-terminals by a thread, for tests of clients in real time."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from emulated import robot_of

from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.pty import PtyServer
from sim2real.hardware.emulator.robot import EmulatedRobot


@contextmanager
def served(joints: int = 1, faults: FaultsConfig | None = None, **updates: object) -> Iterator[PtyServer]:
    """Serve until the block ends; `.emulated` of the server is for looking at only."""
    with serving(robot_of(joints, **updates), faults) as server:
        yield server


@contextmanager
def serving(config: RobotConfig, faults: FaultsConfig | None = None) -> Iterator[PtyServer]:
    """Serve a robot without load until the block ends."""
    server = PtyServer(EmulatedRobot(config, InertiaPlant(config), faults))
    stop = threading.Event()
    thread = threading.Thread(target=server.serve, args=(stop,))
    # The vendor's library polls without a pause, and the interpreter would let it do so for 5 ms at a time.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    thread.start()
    server.serving.wait()
    try:
        yield server
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
        server.close()
