"""The driver of a WitMotion IMU: configures it once, then only receives."""

from sim2real.configs.command_line import typed
from sim2real.configs.schema.robot import ImuConfig
from sim2real.hardware.bus.transport import Transport, path_of, reopen
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.imu.sample import ImuSample
from sim2real.hardware.imu.workbench_interface import find_unit
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.witmotion.client import BUFFER_BYTES, Client
from sim2real.hardware.witmotion.frame import (
    BAUD_CODES,
    FRAME_BYTES,
    RATE_CODES,
    RATE_RANGE,
    Content,
    Frame,
    FrameType,
    Register,
    acceleration,
    angular_velocity,
    quaternion,
)
from sim2real.hardware.witmotion.workbench import WitMotionWorkbench

CONTENT = Content.ACCELERATION | Content.ANGULAR_VELOCITY | Content.QUATERNION
"""The frames of a sample, in the order of transmission."""

SAMPLE_BYTES = FRAME_BYTES * CONTENT.bit_count()

_BACKLOG_MAX = BUFFER_BYTES - SAMPLE_BYTES
"""Largest backlog, bytes: a full buffer drops new bytes, so its newest sample may be arbitrarily old."""

_BITS = 10  # start, eight data bits, stop
_ACCELERATION, _ANGULAR_VELOCITY, _QUATERNION = (
    int(kind) for kind in (FrameType.ACCELERATION, FrameType.ANGULAR_VELOCITY, FrameType.QUATERNION)
)  # plain integers: comparing with an enumeration takes as long as decoding the frame
_TRIES = 3
_FIRST_SAMPLE_S = 1.0

_Frames = tuple[Frame, Frame, Frame]
"""Acceleration, rate and quaternion of one sample."""


class WitMotionImu:
    """One unit; implements `Imu`. A sample consists of three consecutive frames: acceleration, rate, quaternion.

    Attributes:
        decoder: Frame decoder, with its counters of damaged bytes and frames.
        settings_written: Number of writes to its flash.
        backlogs: Number of reads that found a possibly overflowed buffer and discarded it.
    """

    rate_max = RATE_RANGE

    def __init__(self, name: str, config: ImuConfig, transport: Transport, clock: Clock) -> None:
        """Prepare the unit. Nothing is sent before `open`.

        Args:
            name: Name of the unit, for messages.
            config: Gives baud rate and sample rate.
            transport: An open port. The unit owns it from now on and closes it.
            clock: The clock of the transport.

        Raises:
            HardwareError: Sample rate or baud rate is not supported, or the baud rate is too low for the sample rate.
        """
        self.notices: list[str] = []
        self.settings_written = 0
        self._lost = False
        self._told = True
        self.backlogs = 0
        self._name = name
        self._config = config
        self._transport = transport
        self._clock = clock
        self._rate_code = _rate_code(name, config)
        self._client = Client(transport, clock)
        self.decoder = self._client.decoder
        self._buffer = self._client.buffer
        self._acceleration: Frame | None = None
        self._rate: Frame | None = None

    def open(self, between: Between = nothing) -> None:
        """Set content and sample rate if they are known to differ, and wait for the first sample.

        A unit that does not say what is set is left as it is: a write to its flash without need wears it.

        Raises:
            HardwareError: The unit sends nothing, or does not send the configured frames.
        """
        self._client.between = between
        try:
            self._open()
        finally:
            self._client.between = nothing

    def recover(self, between: Between = nothing) -> None:
        """Open the port again if it had vanished, and the unit with it. Raises HardwareError."""
        if not self._lost:
            return
        if not reopen(self._transport):
            raise PortLostError(f"the port of IMU {self._name!r} has not come back")
        self.open(between)
        self._lost = False

    def _open(self) -> None:
        self._transport.drain()
        registers = self._read_setup()
        wanted = (int(CONTENT), self._rate_code)
        self._told = registers is not None
        if registers is None:
            self.notices.append(
                f"IMU {self._name!r}: does not tell its settings, so they were not checked and nothing was written"
            )
        elif registers != wanted:
            self._set_up()
            after = self._read_setup()
            if after != wanted and after is not None:
                raise HardwareError(f"IMU {self._name!r} did not accept content and rate: it has {after}")
            self.notices.append(
                f"IMU {self._name!r}: set to send acceleration, rate and quaternion at {self._config.rate:g} Hz, "
                f"and saved; before: content {registers[0]:#x}, rate code {registers[1]}"
            )
        self._restart_sample()
        self._await_sample()

    def read(self) -> ImuSample | None:
        """Process all received bytes without waiting; return the newest complete sample, None if there is none.

        Raises:
            PortLostError: The port vanished.
        """
        newest: _Frames | None = None
        received = 0
        while received <= _BACKLOG_MAX:
            try:
                count = self._transport.read_into(self._buffer, self._clock.now_ns())
            except PortLostError:
                self._lost = True
                raise
            if count == 0:
                break
            received += count
            for frame in self.decoder.feed(self._buffer[:count]):
                newest = self._collect(frame) or newest
        if received > _BACKLOG_MAX:
            self.backlogs += 1
            self._transport.drain()
            self._restart_sample()
            return None
        return None if newest is None else _sample(*newest)

    def close(self) -> None:
        """Release the port. Never raises; a second call does nothing."""
        self._transport.close()

    def _collect(self, frame: Frame) -> "_Frames | None":
        """Add one frame; return the frames of the sample it completes."""
        kind = frame.type
        if not frame.joined:
            self._acceleration = self._rate = None  # those between may have been of this sample and of the next
        if kind == _ACCELERATION:
            self._acceleration, self._rate = frame, None
        elif kind == _ANGULAR_VELOCITY:
            self._rate = frame
        elif kind == _QUATERNION:
            first, second = self._acceleration, self._rate
            self._acceleration = self._rate = None
            if first is not None and second is not None:
                return first, second, frame
        return None

    def _restart_sample(self) -> None:
        """Discard partial data; start with the next complete sample."""
        self.decoder.reset()
        self._acceleration = self._rate = None

    def _read_setup(self) -> tuple[int, int] | None:
        """Return content and rate code; None if the unit does not answer."""
        for _ in range(_TRIES):
            setup, _frames = self._client.ask_setup()
            if setup is not None:
                return setup.content, setup.rate_code
        return None

    def _set_up(self) -> None:
        self.settings_written += 1
        self._client.unlock()
        self._client.send(Register.RETURN_CONTENT, int(CONTENT))
        self._client.send(Register.RETURN_RATE, self._rate_code)
        self._client.save()

    def _await_sample(self) -> None:
        deadline_ns = self._clock.now_ns() + ns_from_s(_FIRST_SAMPLE_S + 2.0 / self._config.rate)
        frames = 0
        while self._clock.now_ns() < deadline_ns:
            for frame in self._client.receive(deadline_ns):
                frames += 1
                if self._collect(frame) is not None:
                    return
        baudrate = round(self._config.baudrate)
        if frames:
            why = "" if self._told else "; it does not tell its settings either, so none were written"
            raise HardwareError(
                f"IMU {self._name!r} does not send acceleration, rate and quaternion at {baudrate} baud{why}"
            )
        raise HardwareError(f"no answer from IMU {self._name!r} at {baudrate} baud: {self._advice(baudrate)}")

    def _advice(self, configured: int) -> str:
        """Search for the unit at the other baud rates; return the advice. The baud rate is restored."""
        bench = WitMotionWorkbench(self._transport, self._clock)
        others = [baudrate for baudrate in bench.baudrates if baudrate != configured]
        try:
            found = find_unit(bench, others, self._client.between)
        finally:
            self._transport.set_baudrate(configured)
        if found is None:
            return "nor at any other baud rate: check power and wires"
        command = typed("imu", "set-baud", "--port", path_of(self._transport), "--to", configured)
        return f"it is at {found.baudrate}: set that in the robot YAML, or change it with `{command}`"


def _sample(first: Frame, second: Frame, third: Frame) -> ImuSample:
    return ImuSample(
        angular_velocity=angular_velocity(second.values),
        linear_acceleration=acceleration(first.values),
        orientation=quaternion(third.values),
        raw=first.data[:6] + second.data[:6] + third.data,
    )


def _rate_code(name: str, config: ImuConfig) -> int:
    """Return the code of the configured sample rate. Raises HardwareError if it is not possible."""
    baudrate = round(config.baudrate)
    if config.rate not in RATE_CODES:
        valid = ", ".join(f"{rate:g}" for rate in RATE_CODES)
        raise HardwareError(f"IMU {name!r} does not support a rate of {config.rate:g} Hz; valid: {valid}")
    if baudrate not in BAUD_CODES:
        raise HardwareError(f"IMU {name!r} does not support {baudrate} baud; valid: {', '.join(map(str, BAUD_CODES))}")
    needed = config.rate * SAMPLE_BYTES * _BITS
    if not needed <= baudrate:
        raise HardwareError(
            f"IMU {name!r}: {config.rate:g} samples per second of {SAMPLE_BYTES} bytes need {needed:.0f} baud; "
            f"it has {baudrate}"
        )
    return RATE_CODES[config.rate]
