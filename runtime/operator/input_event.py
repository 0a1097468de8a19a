"""Events of Linux input devices: bytes to events, and what a device says of its axes and keys.

Source: <linux/input.h>, <linux/input-event-codes.h> and Documentation/input/event-codes.rst of the Linux kernel.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

EVENT: Final = struct.Struct("@llHHi")
"""`struct input_event`: seconds, microseconds, type, code, value; in the machine's own sizes."""

EV_SYN: Final = 0x00
EV_KEY: Final = 0x01
EV_ABS: Final = 0x03
SYN_REPORT: Final = 0
SYN_DROPPED: Final = 3
ABS_X: Final = 0x00
ABS_Y: Final = 0x01
ABS_RX: Final = 0x03
BTN_SOUTH: Final = 0x130  # also BTN_GAMEPAD: what every gamepad has
BTN_EAST: Final = 0x131
BTN_WEST: Final = 0x134
BTN_TL: Final = 0x136
BTN_SELECT: Final = 0x13A
BTN_START: Final = 0x13B

_ABSINFO: Final = struct.Struct("@6i")  # `struct input_absinfo`: value, minimum, maximum, fuzz, flat, resolution
_KEY_BYTES: Final = 0x2FF // 8 + 1  # KEY_MAX
_NAME_BYTES: Final = 256
_READ: Final = 2  # _IOC_READ, the same on x86-64 and aarch64


@dataclass(frozen=True)
class Event:
    """One event."""

    kind: int
    code: int
    value: int


@dataclass(frozen=True)
class Axis:
    """Range of an absolute axis, in its own counts."""

    low: int
    high: int
    flat: int = 0
    """Half the width of the dead zone that the driver recommends."""

    def scaled(self, value: int) -> float:
        """Return a value as -1 … 1, 0 in the dead zone in the middle."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        flat = max(self.flat / half, _DEAD_ZONE)
        stick = min(max((value - middle) / half, -1.0), 1.0)
        size = abs(stick)
        if size <= flat:
            return 0.0
        return (size - flat) / (1.0 - flat) * (1.0 if stick > 0 else -1.0)


_DEAD_ZONE: Final = 0.1  # worn sticks rest within this share of their travel
STICK: Final = Axis(-32768, 32767)
"""What most gamepads report, where the device does not say."""


def decode(data: bytes) -> tuple[list[Event], bytes]:
    """Return the whole events in the bytes, and the bytes that are left."""
    whole = len(data) - len(data) % EVENT.size
    events = [Event(kind, code, value) for _, _, kind, code, value in EVENT.iter_unpack(data[:whole])]
    return events, data[whole:]


def axis_of(descriptor: int, code: int) -> Axis:
    """Return the range of an axis (EVIOCGABS), the usual one where the device does not say."""
    try:
        answer = fcntl.ioctl(descriptor, _ioc(0x40 + code, _ABSINFO.size), bytes(_ABSINFO.size))
    except OSError:
        return STICK
    _, low, high, _, flat, _ = _ABSINFO.unpack(answer)
    return Axis(low, high, min(max(flat, 0), (high - low) // 4)) if high > low else STICK


def name_of(descriptor: int) -> str:
    """Return the name of a device (EVIOCGNAME), empty where it has none."""
    try:
        answer = fcntl.ioctl(descriptor, _ioc(0x06, _NAME_BYTES), bytes(_NAME_BYTES))
    except OSError:
        return ""
    return answer.split(b"\0")[0].decode("utf-8", "replace")


def has_key(descriptor: int, code: int) -> bool:
    """Return whether a device has a key (EVIOCGBIT)."""
    try:
        answer = fcntl.ioctl(descriptor, _ioc(0x20 + EV_KEY, _KEY_BYTES), bytes(_KEY_BYTES))
    except OSError:
        return False
    return bool(answer[code // 8] >> code % 8 & 1)


def gamepads() -> Iterator[str]:
    """Yield the paths of the gamepads that this user may read."""
    folder = "/dev/input"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for name in names:
        if not name.startswith("event"):
            continue
        path = os.path.join(folder, name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if has_key(descriptor, BTN_SOUTH):
                yield path
        finally:
            os.close(descriptor)


def _ioc(number: int, size: int) -> int:
    """Return the number of a reading request of `E`, the input devices' (<asm-generic/ioctl.h>)."""
    return _READ << 30 | size << 16 | ord("E") << 8 | number
