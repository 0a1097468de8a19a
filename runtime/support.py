"""What a person needs to help with a robot, in one archive: versions, machine, robot, motors' registers, last events.

Nothing in it says whose machine it came from: see `privacy.py`.
"""

import json
import os
import platform
import resource
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

import yaml

from sim2real.configs.errors import UserError
from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.port import open_port
from sim2real.hardware.workbench.scan import scan_port
from sim2real.runtime.contract.manifest import CONTRACT_KEY
from sim2real.runtime.log import RunLog, read_log
from sim2real.runtime.privacy import Privacy
from sim2real.runtime.row_layout import json_of

_TAIL_NS: Final = 10 * NS_PER_S
_TAIL_TICKS: Final = 5000
_EVENTS: Final = 500
_LIBRARIES: Final = (
    "sim2real",
    "numpy",
    "onnxruntime",
    "pydantic",
    "pyserial",
    "mcap",
    "mujoco",
    "torch",
    "foxglove-sdk",
)


@dataclass
class Support:
    """What was collected."""

    files: dict[str, str] = field(default_factory=dict)
    """Texts by name in the archive."""
    problems: list[str] = field(default_factory=list)
    """What could not be collected, one line each."""


def collect(sources: Sequence[str], protocol: str | None = None, baudrate: int | None = None) -> Support:
    """Collect what helps.

    Args:
        sources: Logs of `sim2real run`, and serial ports with motors; torque and settings are not touched.
        protocol: The only family to ask on ports.
        baudrate: The only baud rate to try on ports, bit/s.

    Raises:
        UserError: A source is neither a file nor a port.
    """
    found = Support()
    found.files["machine.json"] = _json(_machine())
    for number, source in enumerate(sources, 1):
        path = Path(source)
        name = f"{number}_{path.stem if path.is_file() else 'port'}"
        if path.is_file():
            _add_log(found, name, path)
        elif path.is_char_device():
            _add_motors(found, name, source, protocol, baudrate)
        else:
            raise UserError(f"{source}: neither a log nor a serial port")
    if found.problems:
        found.files["problems.txt"] = "\n".join(found.problems) + "\n"
    return found


def write_archive(support: Support, path: Path, privacy: Privacy) -> None:
    """Write the archive, without what is private.

    Raises:
        UserError: It cannot be written.
    """
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in support.files.items():
                entry = zipfile.ZipInfo(privacy.text(name))  # without the time zone of the machine
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, _without_private(name, text, privacy))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def _without_private(name: str, text: str, privacy: Privacy) -> str:
    if name.endswith(".json"):
        return _json(privacy.data(json.loads(text)))
    if name.endswith(".jsonl"):
        return "".join(_json(privacy.data(json.loads(line))) for line in text.splitlines())
    return privacy.text(text)


def _machine() -> dict[str, Any]:
    versions = {each.metadata["Name"]: each.version for each in distributions()}
    limits = {
        name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0] for name in ("RTPRIO", "MEMLOCK", "NOFILE")
    }
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "kernel": platform.release(),
        "version": platform.version(),
        "architecture": platform.machine(),
        "distribution": _distribution(),
        "processors": os.cpu_count(),
        "usable_processors": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "limits": limits,
        "libraries": {name: versions[name] for name in _LIBRARIES if name in versions},
    }


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _add_log(found: Support, name: str, path: Path) -> None:
    try:
        log = read_log(path)
    except UserError as error:
        found.problems.append(str(error))
        return
    robot = json.loads(log.metadata.get("robot", "{}"))
    found.files[f"{name}/robot.yaml"] = yaml.safe_dump(robot, sort_keys=False, allow_unicode=True)
    found.files[f"{name}/contract.json"] = log.metadata[CONTRACT_KEY]
    found.files[f"{name}/run.json"] = _json(_summary(log))
    found.files[f"{name}/events.json"] = _json({"events": log.events[-_EVENTS:], "notices": log.notices[-_EVENTS:]})
    found.files[f"{name}/last_ticks.jsonl"] = "".join(_json(tick) for tick in _tail(log))
    if not log.complete:
        found.problems.append(f"{path}: the log was cut off or is damaged: its end is missing")


def _summary(log: RunLog) -> dict[str, Any]:
    return {
        "run": log.run,
        "complete": log.complete,
        "ticks": len(log.ticks),
        "missed_ticks": sum(tick["missed"] for tick in log.ticks),
        "policy_sha256": log.metadata.get("policy_sha256"),
        "provenance": log.metadata.get("sim2real.provenance"),
    }


def _tail(log: RunLog) -> list[dict[str, Any]]:
    if not log.ticks:
        return []
    since_ns = log.ticks[-1]["time_ns"] - _TAIL_NS
    return [tick for tick in log.ticks[-_TAIL_TICKS:] if tick["time_ns"] >= since_ns]


def _add_motors(found: Support, name: str, path: str, protocol: str | None, baudrate: int | None) -> None:
    motors = []
    try:
        with open_port(path, protocol) as opened:
            found.problems += [f"{path}: {error}" for error in opened.broken]
            for motor in scan_port(opened.buses, baudrate):
                bus = opened.buses[motor.protocol]
                bus.set_baudrate(motor.baudrate)
                registers = [asdict(each) for each in bus.registers(motor.id) if "serial" not in each.name.lower()]
                motors.append(asdict(motor) | {"registers": registers})
    except HardwareError as error:
        found.problems.append(f"{path}: {error}")
    if not motors:
        found.problems.append(f"{path}: no motor answers")
    found.files[f"{name}/motors.json"] = _json({"motors": motors})


def _json(data: dict[str, Any]) -> str:
    return json_of(data).decode() + "\n"
