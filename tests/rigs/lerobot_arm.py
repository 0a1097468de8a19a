"""An arm of LeRobot's as a program of its own: connects, calibrates, obeys a line a command, disconnects.

`python lerobot_arm.py KIT PORT FOLDER`. The arm's class, its calibration and its bus are LeRobot's own; only the wait
for a reply is longer. LeRobot's learning side, which its `__init__` imports and no arm calls, may be missing: a few
names stand in for it, and none of them works.
"""

import dataclasses
import importlib
import importlib.abc
import importlib.machinery
import json
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

LEARNING = ("accelerate", "datasets", "lerobot.processor")

KITS = {
    "so101": ("lerobot.robots.so_follower", "SO101Follower", "SO101FollowerConfig"),
    "so101_leader": ("lerobot.teleoperators.so_leader", "SO101Leader", "SO101LeaderConfig"),
    "koch_follower": ("lerobot.robots.koch_follower", "KochFollower", "KochFollowerConfig"),
    "koch_leader": ("lerobot.teleoperators.koch_leader", "KochLeader", "KochLeaderConfig"),
    "omx_follower": ("lerobot.robots.omx_follower", "OmxFollower", "OmxFollowerConfig"),
    "omx_leader": ("lerobot.teleoperators.omx_leader", "OmxLeader", "OmxLeaderConfig"),
}
"""Module, class and configuration of the arm of each bench robot."""

PATIENCE_MS = 5000
"""Longest wait for a reply: a busy machine may run the emulator late."""

MARK = "@@"
"""Begins a line of JSON that answers a command; LeRobot prints lines of its own."""


class StandIn(types.ModuleType):
    """A module whose every name is an empty class."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Learning(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the learning side.

    Args:
        names: Modules that may be missing.
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if any(fullname == name or fullname.startswith(f"{name}.") for name in self.names):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> StandIn:
        return StandIn(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to execute."""


def make(kit: str, port: str, folder: Path) -> Any:
    """Return the arm of a kit, not connected."""
    module, name, config = KITS[kit]
    found = importlib.import_module(module)
    arm = getattr(found, name)(getattr(found, config)(id="desk", port=port, calibration_dir=folder))
    handler = arm.bus.port_handler
    handler.setPacketTimeout = lambda _length: handler.setPacketTimeoutMillis(PATIENCE_MS)
    return arm


def main() -> None:
    """Serve commands on the standard input, a line each, until `end`."""
    kit, port, folder = sys.argv[1:]
    sys.meta_path.insert(0, Learning(*LEARNING))
    arm = connected(kit, port, Path(folder))
    for line in sys.stdin:
        command = json.loads(line)
        if command == "disconnect":
            arm.disconnect()
            answer("disconnected")
        elif command == "connect":
            arm = connected(kit, port, Path(folder))
        else:
            if command != "read":
                arm.send_action(command)
            answer(arm.get_observation() if hasattr(arm, "get_observation") else arm.get_action())


def connected(kit: str, port: str, folder: Path) -> Any:
    """Return the arm of a kit, connected, after printing its calibration."""
    arm = make(kit, port, folder)
    arm.connect()
    answer({name: dataclasses.asdict(each) for name, each in arm.calibration.items()})
    return arm


def answer(what: object) -> None:
    """Print what the test reads."""
    sys.stdout.write(f"\n{MARK}{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
