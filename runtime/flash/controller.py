"""A controller's receiver at the other end of a serial line: its frames, and what they ask for.

A frame is `S2`, a kind, the payload's length (16 bits), the payload, and the CRC-32 of all but `S2`; little-endian. An
answer has bit 7 of the kind set, and begins with a status. examples/controller/receiver.c is the other side.
"""

import struct
import time
import zlib
from dataclasses import dataclass
from typing import Final, Protocol

from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.target import SLOTS, SlotName

VERSION: Final = 1
STATES: Final = ("empty", "partial", "whole", "damaged")

_HEADER: Final = b"S2"
_ANSWER: Final = 0x80
_HELLO = struct.Struct("<BIHB")
_SLOT = struct.Struct("<BI32s")
_LENGTH_MAX: Final = 128  # of an answer
_FLUSH: Final = bytes(300)  # longer than a frame that was cut off: the receiver waits for none any more
_TRIES: Final = 5
_ANSWER_S, _ERASE_S = 0.5, 30.0

_OK, _OUT_OF_ORDER = 0, 3
_PROBLEMS: Final = {
    1: "knows no such request: its receiver is of another version",
    2: "has no room for so many bytes",
    4: "received something else than what was sent; flash it again",
    5: "holds no whole image to switch to; flash one",
    6: "cannot write its memory",
}


class Wire(Protocol):
    """A serial line; pyserial's `Serial` is one."""

    timeout: float | None

    def write(self, data: bytes) -> int | None:
        """Send bytes."""
        ...

    def read(self, size: int = 1) -> bytes:
        """Return up to so many bytes; fewer after the timeout."""
        ...

    def reset_input_buffer(self) -> None:
        """Forget what was received."""
        ...


@dataclass(frozen=True)
class Held:
    """What a slot of a controller holds."""

    name: SlotName
    state: str
    """One of STATES."""
    size: int
    sha256: str


@dataclass(frozen=True)
class Hello:
    """What a controller says of itself."""

    room: int
    """Bytes of the largest image."""
    block: int
    """Bytes of an image in one frame."""
    active: SlotName | None
    slots: tuple[Held, Held]


class Controller:
    """The receiver of a controller. Every method raises FlashError, in one line."""

    def __init__(self, wire: Wire, name: str) -> None:
        self._wire, self._name = wire, name
        wire.write(_FLUSH)

    def hello(self) -> Hello:
        """Ask what it holds; every image is verified there."""
        payload = self._done(b"H", b"")
        if len(payload) != _HELLO.size + 2 * _SLOT.size or payload[0] != VERSION:
            raise FlashError(f"{self._name}: its receiver is of another version; this one knows {VERSION}")
        _, room, block, active = _HELLO.unpack_from(payload)
        slots = tuple(self._held(name, payload, number) for number, name in enumerate(SLOTS))
        return Hello(room, block, SLOTS[active] if active < len(SLOTS) else None, (slots[0], slots[1]))

    def begin(self, image: bytes, sha256: str) -> int:
        """Begin to send an image; return how many of its bytes are there already."""
        request = struct.pack("<II", len(image), zlib.crc32(image)) + bytes.fromhex(sha256)
        return self._have(self._done(b"B", request, _ERASE_S))

    def send(self, at: int, block: bytes) -> int:
        """Send a block; return how many bytes are there now."""
        status, payload = self._ask(b"D", struct.pack("<I", at) + block)
        if status not in (_OK, _OUT_OF_ORDER):  # an answer was lost: what is there says where to go on
            raise self._problem(status)
        return self._have(payload)

    def commit(self) -> None:
        """Let it verify what was sent, and switch to it."""
        self._done(b"C", b"", _ERASE_S)

    def go_back(self) -> None:
        """Switch to the other slot."""
        self._done(b"R", b"")

    def _held(self, name: SlotName, payload: bytes, number: int) -> Held:
        state, size, sha256 = _SLOT.unpack_from(payload, _HELLO.size + number * _SLOT.size)
        return Held(name, STATES[min(state, len(STATES) - 1)], size, sha256.hex())

    def _have(self, payload: bytes) -> int:
        if len(payload) != 4:
            raise FlashError(f"{self._name}: answers what this version of sim2real does not know")
        return int.from_bytes(payload, "little")

    def _done(self, kind: bytes, payload: bytes, seconds: float = _ANSWER_S) -> bytes:
        status, answer = self._ask(kind, payload, seconds)
        if status != _OK:
            raise self._problem(status)
        return answer

    def _problem(self, status: int) -> FlashError:
        return FlashError(f"{self._name}: the controller {_PROBLEMS.get(status, f'refuses with status {status}')}")

    def _ask(self, kind: bytes, payload: bytes, seconds: float = _ANSWER_S) -> tuple[int, bytes]:
        body = kind + struct.pack("<H", len(payload)) + payload
        frame = _HEADER + body + struct.pack("<I", zlib.crc32(body))
        for _ in range(_TRIES):
            self._wire.reset_input_buffer()
            self._wire.write(frame)
            answer = self._answer(kind[0] | _ANSWER, seconds)
            if answer is not None:
                return answer[0], answer[1:]
        raise FlashError(f"{self._name}: does not answer; is its program the one with the receiver, at this baud rate?")

    def _answer(self, kind: int, seconds: float) -> bytes | None:
        """Return the payload of the next intact answer of a kind; None if there is none in time."""
        received, deadline = b"", time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0.0:
            self._wire.timeout = min(left, 0.05)
            received += self._wire.read(1)
            self._wire.timeout = 0.0
            received += self._wire.read(_LENGTH_MAX)
            start = received.find(_HEADER)
            if start < 0 or len(received) < start + 5:
                continue
            length = int.from_bytes(received[start + 3 : start + 5], "little")
            end = start + 5 + length + 4
            if length > _LENGTH_MAX:
                received = received[start + 1 :]
            elif len(received) >= end:
                body = received[start + 2 : end - 4]
                if zlib.crc32(body) == int.from_bytes(received[end - 4 : end], "little") and body[0] == kind and length:
                    return body[3:]
                received = received[start + 1 :]
        return None
