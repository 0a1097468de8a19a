"""A target that is a microcontroller on a serial line: its two slots hold images, such as weights of a policy."""

import errno
import hashlib
import os
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import serial

from sim2real.configs.command_outcome import error_console
from sim2real.runtime.flash.controller import Controller, Held, Hello
from sim2real.runtime.flash.install import read_policy
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.results import Installed, Status
from sim2real.runtime.flash.target import Image, Slot, other

SCHEME: Final = "serial://"

_BAUDRATE: Final = 115_200
_WRITE_S: Final = 10.0
_BLOCKS_MAX: Final = 1 << 22


@dataclass(frozen=True)
class SerialPlace:
    """A controller; `--to serial://PORT`, or `serial://PORT?baudrate=921600`."""

    port: str
    baudrate: int = _BAUDRATE

    @classmethod
    def of(cls, to: str) -> "SerialPlace":
        """Return the place of an option `--to`. Raises FlashError."""
        port, _, query = to.removeprefix(SCHEME).partition("?")
        name, _, value = query.partition("=")
        if not port or (query and (name != "baudrate" or not value.isascii() or not value.isdigit() or not int(value))):
            raise FlashError(f"--to {to}: is no controller; valid: serial://PORT, or serial://PORT?baudrate=115200")
        return cls(port, int(value) if query else _BAUDRATE)

    @property
    def place(self) -> str:
        """Return the port."""
        return f"{SCHEME}{self.port}"

    @property
    def policy_path(self) -> str:
        """Return where the active image is."""
        return f"{self.place}, the active slot"

    def flash(self, policy: Path) -> Installed:
        """Send an image to the spare slot, from where an earlier upload ended; switch to it. Raises FlashError."""
        image = read_policy(policy)
        sha256 = hashlib.sha256(image).hexdigest()
        with self._controller() as controller:
            before = controller.hello()
            previous = _slot_named(before, before.active)
            holders = [each for each in before.slots if each.state == "whole" and each.sha256 == sha256]
            if any(each.name == before.active for each in holders) and previous is not None:
                return Installed(previous, previous, changed=False)
            if not len(image) <= before.room:
                raise FlashError(f"{policy}: has {len(image)} bytes; the controller takes {before.room}")
            if holders:
                controller.go_back()  # it is in the other slot already
            else:
                self._send(controller, image, sha256, before.block)
                controller.commit()
            after = controller.hello()
            slot = _slot_named(after, after.active)
            if slot is None or slot.image is None or slot.image.sha256 != sha256:
                raise FlashError(f"{self.place}: the controller did not switch to the image; flash it again")
            return Installed(slot, previous, changed=True)

    def rollback(self) -> Installed:
        """Switch to the other slot. Raises FlashError."""
        with self._controller() as controller:
            before = controller.hello()
            if before.active is None:
                raise FlashError(f"{self.place}: nothing is active, so there is nothing to go back from")
            controller.go_back()
            after = controller.hello()
            slot = _slot_named(after, after.active)
            if slot is None or after.active != other(before.active):
                raise FlashError(f"{self.place}: the controller did not go back")
            return Installed(slot, _slot_named(before, before.active), changed=True)

    def status(self) -> Status:
        """Ask the controller, which verifies what it holds. Raises FlashError."""
        with self._controller() as controller:
            found = controller.hello()
        slots = tuple(_slot(each) for each in found.slots)
        problem = (
            None if found.active is not None else f"{self.place}: no image is active; send one with: sim2real flash"
        )
        why = "it was switched to last" if found.active is not None else "nothing was flashed"
        return Status(found.active, slots, problem, Record(), why)

    def revoke(self, sha256: str, why: str) -> Installed:
        """Refuse: a controller keeps no such list. Raises FlashError."""
        raise FlashError(f"{self.place}: a controller keeps no list of bad images; send another, or sim2real rollback")

    def allow(self, sha256: str) -> None:
        """Refuse, as `revoke`. Raises FlashError."""
        self.revoke(sha256, "")

    def trust(self) -> Record:
        """Refuse: a controller verifies no signatures. Raises FlashError."""
        raise FlashError(f"{self.place}: a controller verifies no signatures")

    @contextmanager
    def _controller(self) -> Iterator[Controller]:
        """Open the port for this process alone; what goes wrong with it is one line."""
        try:
            with serial.Serial(self.port, self.baudrate, write_timeout=_WRITE_S, exclusive=True) as wire:
                yield Controller(wire, self.place)
        except (OSError, termios.error) as error:  # pyserial's errors are OSErrors; those of tcflush are not
            raise FlashError(f"{self.place}: {_reason(error)}") from error

    def _send(self, controller: Controller, image: bytes, sha256: str, block: int) -> None:
        have = controller.begin(image, sha256)
        with _progress(len(image), have) as show:
            for _ in range(_BLOCKS_MAX):  # bounded: each turn sends a block, or learns where to go on
                if have >= len(image):
                    return
                have = controller.send(have, image[have : have + block])
                show(have)
        raise FlashError(f"{self.place}: the controller asks for the same bytes again and again")


@contextmanager
def _progress(size: int, have: int) -> Iterator[Callable[[int], None]]:
    """Yield what shows how many bytes have arrived: a bar on a terminal, else nothing."""
    console = error_console()
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    with Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("", total=size, completed=have)
        yield lambda done: bar.update(task, completed=done)


def _reason(error: Exception) -> str:
    """Return in words what is wrong with a port; pyserial wraps the system's reason into a sentence of its own."""
    number = getattr(error, "errno", None) or (error.args[0] if error.args else None)
    if number == errno.EWOULDBLOCK:
        return "another program has this port"
    return os.strerror(number) if isinstance(number, int) else str(error)


def _slot(held: Held) -> Slot:
    problems = {"empty": "is empty", "partial": "holds a part of an upload", "damaged": "is damaged"}
    if held.state == "empty":
        return Slot(held.name, None, problems["empty"], empty=True)
    return Slot(held.name, None, problems.get(held.state), image=Image(held.size, held.sha256))


def _slot_named(hello: Hello, name: str | None) -> Slot | None:
    return next((_slot(each) for each in hello.slots if each.name == name), None)
