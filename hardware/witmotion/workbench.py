"""The workbench of WitMotion units; implements `ImuWorkbench`.

A unit's registers are in its RAM; SAVE writes all of them to its flash, which is read at power-up. A new baud rate is
in force as soon as it is written, so the vendor's examples switch the port over right then. Some data sheets speak of
the next power-up instead; a unit that is still heard at its old baud rate is taken for one of these.

The baud rate is saved only after the unit has been heard at it, and until then a power cycle brings the old one back.
What is saved cannot be read. A restart tells: it wears nothing, and what is in force afterwards was saved.

Source: WitStandardProtocol_JY901, `REG.h` (BAUD, SAVE_PARAM, SAVE_SWRST) and `wit_c_sdk.c` (WitSetUartBaud,
WitSetForReset).
"""

from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.imu.workbench_interface import FoundImu, find_unit
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.witmotion.client import Client, Setup
from sim2real.hardware.witmotion.frame import BAUD_CODES, FRAME_BYTES, RATE_CODES, RESTART, Register

BAUDRATES = (9600, 115200, 230400, 921600, 460800, 57600, 38400, 19200, 4800)
"""The factory's first, then what robots use."""

_SETTLE_S = 0.03  # what an FTDI adapter holds back for up to 16 ms is from before the change
_RESTART_S = 0.5  # until a unit sends after a restart; an estimate
_TRIES = 3
_BITS = 10  # start, eight data bits, stop
_FRAMES_MIN = 2  # a frame of noise has its header, type and sum right once in a million bytes
_QUIET_CODES = (0x0C, 0x0D)  # sends once when it is told to, and never
_RATES = {code: rate for rate, code in RATE_CODES.items()} | dict.fromkeys(_QUIET_CODES, 0.0)


class WitMotionWorkbench:
    """One unit on an open port."""

    protocol = "witmotion"
    baudrates = BAUDRATES

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._client = Client(transport, clock)

    def find(self, baudrate: int, between: Between = nothing) -> FoundImu | None:
        """Do the same as `ImuWorkbench.find`: a unit that answers, or sends frames."""
        self._client.between = between
        try:
            return self._find(baudrate, tries=1)
        finally:
            self._client.between = nothing

    def change_baudrate(self, unit: FoundImu, new: int, between: Between = nothing) -> FoundImu | None:
        """Do the same as `ImuWorkbench.change_baudrate`."""
        if new not in BAUD_CODES:
            raise HardwareError(f"{new} baud is not valid; valid: {', '.join(map(str, BAUD_CODES))}")
        self._client.between = between
        try:
            return self._change(unit, new)
        finally:
            self._client.between = nothing

    def _change(self, unit: FoundImu, new: int) -> FoundImu | None:
        old = unit.baudrate
        if old == new:
            found = self._restarted(new)
            if found.baudrate == new:
                return None
            old = found.baudrate  # an earlier change was interrupted before it was saved
        _refuse_full_line(self._setup(), new)
        self._transport.set_baudrate(new)  # raises now if the port does not support it
        self._transport.set_baudrate(old)
        self._client.unlock()
        self._client.send(Register.BAUD, BAUD_CODES[new])
        if self._find(new, _TRIES) is None:
            self._still_at_old(old, new)
        self._client.save()
        found = self._restarted(new, old)
        if found.baudrate != new:
            raise HardwareError(f"the IMU answered at {new} baud but did not save that: it is back at {found.baudrate}")
        return found

    def _still_at_old(self, old: int, new: int) -> None:
        """Return if the unit keeps its old baud rate until it restarts. Raises HardwareError otherwise."""
        if self._find(old, _TRIES) is None:
            raise HardwareError(
                f"the IMU was set to {new} baud and is not heard there, nor at {old} baud: the adapter or the cable "
                f"may be too slow for it. Nothing was saved: switch its power off and on, and it is at {old} baud again"
            )
        setup = self._setup()
        if setup is None or setup.baud_code != BAUD_CODES[new]:
            raise HardwareError(f"the IMU does not accept {new} baud: it is still at {old}, and nothing was saved")

    def _restarted(self, *baudrates: int) -> FoundImu:
        """Restart the unit; return it at the baud rate that it has saved, looked for at these first."""
        self._client.unlock()
        self._client.send(Register.SAVE, RESTART)
        self._client.wait(_RESTART_S)
        for baudrate in baudrates:
            if (found := self._find(baudrate, _TRIES)) is not None:
                return found
        found = find_unit(self, self.baudrates, self._client.between)
        if found is None:
            raise HardwareError("the IMU is not heard after its restart: switch its power off and on, and scan again")
        return found

    def _setup(self) -> Setup | None:
        return next(
            (setup for setup, _ in (self._client.ask_setup() for _ in range(_TRIES)) if setup is not None), None
        )

    def _find(self, baudrate: int, tries: int) -> FoundImu | None:
        self._transport.set_baudrate(baudrate)
        self._client.wait(_SETTLE_S)
        self._transport.drain()
        self._client.decoder.reset()
        frames = 0
        for _ in range(tries):
            setup, more = self._client.ask_setup()
            frames += more
            if setup is not None:
                content = tuple(_words(bit.frame_type.name) for bit in setup.contents)
                return FoundImu(self.protocol, baudrate, _RATES.get(setup.rate_code), content)
            if frames >= _FRAMES_MIN:
                return FoundImu(self.protocol, baudrate, None, ())
        return None


def _refuse_full_line(setup: Setup | None, new: int) -> None:
    """Raise HardwareError if what the unit sends does not fit a baud rate."""
    if setup is None:
        return
    rate, frames = _RATES.get(setup.rate_code, 0.0), setup.contents.bit_count()
    needed = rate * frames * FRAME_BYTES * _BITS
    if not needed <= new:
        raise HardwareError(
            f"the IMU sends {rate:g} samples per second of {frames} frames, which need {needed:.0f} baud: {new} is too "
            f"slow; nothing was written"
        )


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
