"""Installs, removes and looks at the services of robots."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sim2real.runtime.flash.durable import sync_folder, write_durable
from sim2real.runtime.service.systemctl import ServiceError, Systemctl
from sim2real.runtime.service.unit import PREFIX, SUFFIX, Unit, is_ours, target_in


@dataclass(frozen=True)
class Service:
    """A service, as systemd says it is now."""

    name: str
    system: bool
    file: Path
    target: str
    """Folder of its flash target."""
    enabled: bool
    """Whether it starts by itself: at boot, or when its user logs in."""
    state: str
    """active, activating, failed, inactive …"""
    sub_state: str
    result: str
    """How it ended, if it did: success, exit-code, signal, timeout …"""
    restarts: int
    pid: int | None
    since: datetime | None
    """UTC: since when it is active."""

    @property
    def problem(self) -> str | None:
        """Return why it does not run; None if it does."""
        if self.state == "active":
            return None
        how = f", last ended by {self.result}" if self.result not in ("", "success") else ""
        return f"service {self.name} is {self.state} ({self.sub_state}{how})"


def install(unit: Unit, systemctl: Systemctl) -> Service:
    """Write a unit, let it start by itself from now on, and start it; one that runs is started again.

    Raises:
        ServiceError: It cannot be written, is not ours, or systemd refuses it; what was there before is there again.
    """
    path = systemctl.units / unit.file
    before = _read(path)
    if before is not None and not is_ours(before):
        raise ServiceError(f"{path}: is not by `sim2real service install`; give another --name")
    try:
        _write(path, unit.text())
        systemctl.call("daemon-reload")
        systemctl.call("enable", unit.file)
        systemctl.call("restart", unit.file)
    except BaseException:
        with suppress(ServiceError):
            _take_back(path, before, systemctl)
        raise
    return look(unit.name, systemctl)


def uninstall(name: str, systemctl: Systemctl) -> Path:
    """Stop a service, in order, and remove it; return the file that was removed.

    Raises:
        ServiceError: There is none of the name, or systemd refuses.
    """
    path = _known(name, systemctl)
    systemctl.call("disable", "--now", path.name)
    _remove(path)
    systemctl.call("daemon-reload")
    with suppress(ServiceError):
        systemctl.call("reset-failed", path.name)  # refused where it did not fail
    return path


def look(
    name: str,
    systemctl: Systemctl,
    now: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> Service:
    """Ask for the state of a service. Raises ServiceError if there is none of the name."""
    path = _known(name, systemctl)
    found = systemctl.show(path.name)
    since_s = int(found.get("ActiveEnterTimestampMonotonic") or 0) * 1e-6
    pid = int(found.get("MainPID") or 0)
    return Service(
        name=name,
        system=systemctl.system,
        file=path,
        target=target_in(_read(path) or ""),
        enabled=found.get("UnitFileState") == "enabled",
        state=found.get("ActiveState", "unknown"),
        sub_state=found.get("SubState", "unknown"),
        result=found.get("Result", ""),
        restarts=int(found.get("NRestarts") or 0),
        pid=pid or None,
        since=datetime.fromtimestamp(now() - (monotonic() - since_s), UTC) if since_s else None,
    )


def names(systemctl: Systemctl) -> list[str]:
    """Return the names of the services that are installed."""
    try:
        files = sorted(systemctl.units.glob(f"{PREFIX}*{SUFFIX}"))
    except OSError:
        return []
    return [_name(path) for path in files if is_ours(_read(path) or "")]


def _known(name: str, systemctl: Systemctl) -> Path:
    """Return the file of a service. Raises ServiceError."""
    path = systemctl.units / f"{PREFIX}{name}{SUFFIX}"
    if name in names(systemctl):
        return path
    where = "of the system" if systemctl.system else "of this user"
    others = ", ".join(names(systemctl)) or "none"
    raise ServiceError(f"no service {name!r} {where}; installed: {others}")


def _name(path: Path) -> str:
    return path.name.removeprefix(PREFIX).removesuffix(SUFFIX)


def _read(path: Path) -> str | None:
    """Return the text of a unit's file; None if there is none. Raises ServiceError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServiceError(f"{path}: cannot be read: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    """Replace a unit's file in one step, durable. Raises ServiceError."""
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        write_durable(new, text.encode())
        os.replace(new, path)
        sync_folder(path.parent)
    except OSError as error:
        root = "; a service of the system needs root: sudo" if isinstance(error, PermissionError) else ""
        raise ServiceError(f"{path}: cannot be written: {error.strerror}{root}") from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise ServiceError(f"{path}: cannot be removed: {error.strerror}") from error


def _take_back(path: Path, before: str | None, systemctl: Systemctl) -> None:
    """Undo an installation that failed."""
    if before is None:
        with suppress(ServiceError):
            systemctl.call("disable", "--now", path.name)
        _remove(path)
    else:
        _write(path, before)
    systemctl.call("daemon-reload")
