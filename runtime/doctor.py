"""Checks of the machine: what is missing or slow, what that costs, and the command that mends it.

Each check takes what the system says and returns findings; it changes nothing.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final, Literal

State = Literal["ok", "note", "wrong"]

_PACKAGE: Final = "sim2real"
_TRAINS: Final = ("torch", "mujoco", "gymnasium", "scipy", "onnx", "matplotlib", "imageio")
_DISK_BYTES_MIN: Final = 2**30  # a training run with a replay buffer needs so much
_DISK_BYTES_LOW: Final = 5 * 2**30
_PRIORITY: Final = 40  # what the runtime's loop asks for
_LATENCY_MS_MAX: Final = 1
_GL_S_MAX: Final = 30.0  # a driver that hangs must not hang the check

_RENDER = (
    'import sim2real, mujoco; m = mujoco.MjModel.from_xml_string(\'<mujoco><worldbody><geom size="1"/></worldbody>'
    "</mujoco>'); r = mujoco.Renderer(m, 16, 16); r.update_scene(mujoco.MjData(m)); r.render(); r.close()"
)


@dataclass(frozen=True)
class Check:
    """One line of `sim2real doctor`."""

    what: str
    value: str
    state: State
    """`note` costs something, and what it costs is in `advice`; `wrong` fails."""
    advice: str = ""
    """What does not work, and what to do; empty where all is well."""
    command: str = ""
    """The command that mends it, if one does."""


def python() -> list[Check]:
    """Return the version of Python; an older one than the package asks for could not have imported this."""
    return [Check("Python", ".".join(map(str, sys.version_info[:3])), "ok")]


def libraries(installed: Callable[[str], str] = version, declared: Sequence[str] | None = None) -> list[Check]:
    """Check the libraries: those of the robot must be there, those of training may be.

    Args:
        installed: Returns the version of a package, or raises PackageNotFoundError.
        declared: The package's requirements, as in its metadata.
    """
    wanted = declared if declared is not None else requires(_PACKAGE) or []
    base = [_name(text) for text in wanted if "extra ==" not in text]
    found = {name: _version(name, installed) for name in (*base, *_TRAINS)}
    missing = [name for name in base if found[name] is None]
    training = [name for name in _TRAINS if found[name] is None]
    checks = [
        Check("libraries", f"missing: {', '.join(missing)}", "wrong", "no run works", "pip install sim2real")
        if missing
        else Check("libraries", f"{len(base)} of {len(base)}", "ok")
    ]
    if training:
        advice = "train, eval and the MuJoCo plant need them; a robot does not"
        checks.append(
            Check("for training", f"missing: {', '.join(training)}", "note", advice, "pip install 'sim2real[train]'")
        )
    else:
        checks.append(Check("for training", ", ".join(f"{name} {found[name]}" for name in _TRAINS[:2]), "ok"))
    return checks


def rendering(run: Callable[[list[str]], str | None] | None = None) -> list[Check]:
    """Check that a picture can be drawn without a display, in a process of its own: a broken driver may crash.

    Args:
        run: Runs a program; returns what went wrong in it, None if nothing.
    """
    if _version("mujoco", version) is None:
        return []
    problem = (run or _run)([sys.executable, "-c", _RENDER])
    if problem is None:
        return [Check("rendering", "works without a display", "ok")]
    advice = "no videos and no pictures of robots: OpenGL without a display is missing"
    command = "sudo apt install libegl1 libgl1-mesa-dri"
    return [Check("rendering", problem, "note", advice, command)]


def ports(devices: Iterable[str], sys_usb: Path = Path("/sys/bus/usb-serial/devices")) -> list[Check]:
    """Check the serial ports: the right to open each, and the latency timer of its adapter.

    Args:
        devices: Paths of the ports.
        sys_usb: Where the kernel shows USB serial adapters.
    """
    checks = []
    for device in devices:
        if not os.access(device, os.R_OK | os.W_OK):
            group = _group(device)
            checks.append(
                Check(
                    f"port {device}",
                    "may not be opened by this user",
                    "wrong",
                    "no motor on it can be reached; log in again afterwards",
                    f"sudo usermod -aG {group} {os.environ.get('USER', '$USER')}",
                )
            )
            continue
        timer = _latency_ms(sys_usb / Path(device).name / "latency_timer")
        if timer is not None and timer > _LATENCY_MS_MAX:
            advice = "every reply is late by up to that; a run lowers it where it may"
            command = f"echo 1 | sudo tee {sys_usb / Path(device).name / 'latency_timer'}"
            checks.append(Check(f"port {device}", f"latency timer {timer} ms", "note", advice, command))
        else:
            checks.append(Check(f"port {device}", "may be opened" + ("" if timer is None else f", {timer} ms"), "ok"))
    return checks or [Check("serial ports", "none", "note", "plug in the adapter, or use an emulated robot")]


def real_time(limits: Callable[[int], tuple[int, int]] = resource.getrlimit, user: int | None = None) -> list[Check]:
    """Check the right to real-time scheduling and to locked memory.

    Args:
        limits: Returns soft and hard limit of a resource.
        user: Id of the user; this one's when left out.
    """
    if (os.geteuid() if user is None else user) == 0:
        return [Check("real time", "allowed, as root", "ok")]
    priority, memory = (limits(which)[1] for which in (resource.RLIMIT_RTPRIO, resource.RLIMIT_MEMLOCK))
    refused = [] if priority == resource.RLIM_INFINITY or priority >= _PRIORITY else ["scheduling"]
    refused += [] if memory == resource.RLIM_INFINITY else ["locked memory"]
    if not refused:
        return [Check("real time", "scheduling and locked memory are allowed", "ok")]
    command = "printf '* - rtprio 50\\n* - memlock unlimited\\n' | sudo tee /etc/security/limits.d/99-sim2real.conf"
    advice = "ticks of a run are late on a busy machine; log in again afterwards"
    return [Check("real time", f"not allowed: {', '.join(refused)}", "note", advice, command)]


def disk(folder: Path, free: Callable[[Path], int] | None = None) -> list[Check]:
    """Check the space where runs and logs are written.

    Args:
        folder: Where that is.
        free: Returns the free bytes at a path.
    """
    left = (free or _free)(folder)
    value = f"{left / 2**30:.1f} GiB free in {folder}"
    if left < _DISK_BYTES_MIN:
        return [Check("disk", value, "wrong", "training and logs stop when it is full", "sim2real runs clean")]
    if left < _DISK_BYTES_LOW:
        return [Check("disk", value, "note", "a few runs with a replay buffer fill it", "sim2real runs clean")]
    return [Check("disk", value, "ok")]


def _name(requirement: str) -> str:
    """Return the package of a requirement such as `numpy>=2.0`."""
    end = next((at for at, letter in enumerate(requirement) if not (letter.isalnum() or letter in "-_.")), None)
    return requirement[:end]


def _version(name: str, installed: Callable[[str], str]) -> str | None:
    try:
        return installed(name)
    except PackageNotFoundError:
        return None


def _run(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GL_S_MAX, check=False)  # noqa: S603 - this interpreter
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be tried: {type(error).__name__}"
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else f"exit status {done.returncode}"


def _group(device: str) -> str:
    try:
        return Path(device).group()
    except (OSError, KeyError):
        return "dialout"


def _latency_ms(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
