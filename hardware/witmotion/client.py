"""Commands to a WitMotion unit and its replies: without retries of their own where a unit may stay silent."""

from dataclasses import dataclass

from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.witmotion.frame import (
    UNLOCK_KEY,
    Content,
    Decoder,
    Frame,
    FrameType,
    Register,
    encode_command,
)

ANSWER_S = 0.3
"""A sample in transmission at the lowest baud rate, the command, its reply, and the USB adapter's latency."""

BUFFER_BYTES = 4096
"""The kernel's receive buffer of a port."""

_PAUSE_S = 0.01  # between commands: the vendor's SDK waits 1 ms
_SAVE_S = 0.1  # until the flash is written, as in the vendor's examples
_SLICE_S = 0.02  # of a long wait: a stop is looked for between two


@dataclass(frozen=True, slots=True)
class Setup:
    """Registers that a unit tells."""

    content: int
    """RETURN_CONTENT."""
    rate_code: int
    """RETURN_RATE."""
    baud_code: int
    """BAUD: the line's after the next restart, if not now."""

    @property
    def contents(self) -> Content:
        """The frames of a sample."""
        return Content(self.content & 0x7FF)


class Client:
    """Talks to the one unit on a port.

    Attributes:
        between: Called before every wait; what it raises ends the step.
        decoder: Frame decoder, with its counters of damaged bytes and frames.
        buffer: For received bytes.
    """

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self.between: Between = nothing
        self.decoder = Decoder()
        self.buffer = memoryview(bytearray(BUFFER_BYTES))
        self._transport = transport
        self._clock = clock

    def send(self, register: Register, value: int) -> None:
        """Send one command. Raises PortLostError."""
        self.between()
        self._transport.write(encode_command(register, value))
        self.wait(_PAUSE_S)

    def unlock(self) -> None:
        """Unlock the registers for ten seconds. Raises PortLostError."""
        self.send(Register.KEY, UNLOCK_KEY)

    def save(self) -> None:
        """Unlock the registers, save all of them, and wait until that is done. Raises PortLostError."""
        self.unlock()
        self.send(Register.SAVE, 0)
        self.wait(_SAVE_S)

    def ask_setup(self) -> tuple[Setup | None, int]:
        """Ask once for the set-up; return it, None if the unit does not tell it, and the number of frames received."""
        self.send(Register.READ_ADDRESS, Register.RETURN_CONTENT)
        deadline_ns = self._clock.now_ns() + ns_from_s(ANSWER_S)
        frames = 0
        while self._clock.now_ns() < deadline_ns:  # continuous samples are not the reply
            for frame in self.receive(deadline_ns):
                if frame.type == FrameType.REGISTERS:
                    content, rate, baud, _ = (value & 0xFFFF for value in frame.values)
                    return Setup(content, rate, baud), frames
                frames += 1
        return None, frames

    def receive(self, deadline_ns: int) -> list[Frame]:
        """Wait a moment for bytes, at most until the deadline; return the complete frames. Raises PortLostError."""
        self.between()
        slice_ns = min(deadline_ns, self._clock.now_ns() + ns_from_s(_SLICE_S))
        count = self._transport.read_into(self.buffer, slice_ns)
        return self.decoder.feed(self.buffer[:count])

    def wait(self, seconds: float) -> None:
        """Wait."""
        self._clock.sleep_until_ns(self._clock.now_ns() + ns_from_s(seconds))
