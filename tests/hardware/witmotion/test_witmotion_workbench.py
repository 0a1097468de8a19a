"""Laws of the search for a WitMotion unit and of its baud rate: it is never lost, whatever interrupts a change."""

from itertools import count, pairwise

import pytest

from sim2real.configs.schema.robot import ImuConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.faults import FaultScript
from sim2real.hardware.emulator.imu import ImuLine
from sim2real.hardware.emulator.lockstep import LockstepTransport
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.imu.sample import Motion
from sim2real.hardware.imu.workbench_interface import FoundImu, find_unit
from sim2real.hardware.witmotion.firmware import WitMotionUnit
from sim2real.hardware.witmotion.frame import (
    BAUD_CODES,
    RATE_CODES,
    UNLOCK_KEY,
    CommandDecoder,
    Content,
    Register,
    encode_command,
)
from sim2real.hardware.witmotion.workbench import BAUDRATES, WitMotionWorkbench

RATES = {code: rate for rate, code in BAUD_CODES.items()}
QUIET = 0x0D
STILL = Motion((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 9.81))


class OnlyAnImu:
    """What a lockstep port needs of an emulated robot: no motors and no plant."""

    def __init__(self, config: ImuConfig) -> None:
        self.faults = FaultScript(FaultsConfig(name="none"), 0, 0)
        self.line = ImuLine("trunk", config, lambda _: STILL, self.faults)

    def advance_to(self, now_ns: int) -> None:
        while self.line.next_ns <= now_ns:
            self.line.process(self.line.next_ns)


class Desk:
    """A unit on an adapter; what happens at each write and each wait can be scripted."""

    def __init__(self, baudrate: int, *, baud_at_restart: bool = False, tells: bool = True) -> None:
        unit = ImuConfig(
            protocol="witmotion", baudrate=f"{baudrate} baud", rate="0.5 Hz", body="trunk", stale_after="9 s"
        )
        self.clock = VirtualClock()
        self.emulated = OnlyAnImu(unit)
        self.line = self.emulated.line
        self.unit = self.line.unit = WitMotionUnit(baudrate, baud_at_restart=baud_at_restart)
        self.commands: list[tuple[int, int]] = []
        self.happens = iter(())
        decoder, receive = CommandDecoder(), self.unit.receive

        def noting(data: bytes, now_ns: int) -> bytes:
            self.commands += [(command.register, command.value) for command in decoder.feed(data)]
            answer = receive(data, now_ns)
            return answer if tells else b""

        self.unit.receive = noting
        self.transport = LockstepTransport(self.emulated, self.line, self.clock)
        self.bench = WitMotionWorkbench(self.transport, self.clock)

    @property
    def saves(self) -> int:
        return self.commands.count((Register.SAVE, 0))

    @property
    def saved(self) -> int:
        """The baud rate that the unit has after the next power-up."""
        return RATES[self.unit.saved()[f"{int(Register.BAUD):#04x}"]]

    def set(self, register: Register, value: int) -> None:
        self.unit.restore({f"{int(register):#x}": value})

    def find(self) -> FoundImu:
        found = find_unit(self.bench, self.bench.baudrates)
        assert found is not None
        return found

    def power_cycle(self) -> None:
        self.line.plug(False)
        self.line.plug(True)


@pytest.mark.parametrize("baudrate", sorted(BAUD_CODES))
@pytest.mark.parametrize("rate_code", [RATE_CODES[10.0], RATE_CODES[0.2], QUIET])
def test_a_unit_is_found_at_every_baud_rate_also_if_it_sends_little_or_nothing(baudrate: int, rate_code: int) -> None:
    desk = Desk(baudrate)
    desk.set(Register.RETURN_RATE, rate_code)
    found = desk.find()
    assert (found.protocol, found.baudrate) == ("witmotion", baudrate)
    assert found.rate == {**{code: rate for rate, code in RATE_CODES.items()}, QUIET: 0.0}[rate_code]
    assert found.content == ("acceleration", "angular velocity", "angle", "magnetic field")
    assert {register for register, _ in desk.commands} == {Register.READ_ADDRESS}, "a search writes no setting"


@pytest.mark.parametrize("baudrate", sorted(BAUD_CODES))
def test_a_unit_that_tells_nothing_is_found_by_what_it_sends(baudrate: int) -> None:
    assert Desk(baudrate, tells=False).find() == FoundImu("witmotion", baudrate, None, ())


def test_nothing_is_found_where_nothing_is() -> None:
    desk = Desk(9600, tells=False)
    desk.unit.fault = "imu_silent"
    assert find_unit(desk.bench, BAUDRATES) is None
    assert sorted(BAUDRATES) == sorted(BAUD_CODES)


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize(
    ("old", "new"), [*pairwise(sorted(BAUD_CODES)), (921600, 4800), (9600, 115200), (115200, 9600)]
)
def test_a_changed_baud_rate_is_in_force_and_saved(old: int, new: int, tells: bool) -> None:
    desk = Desk(old, tells=tells)
    desk.set(Register.RETURN_RATE, RATE_CODES[10.0])
    if not tells or new < 9600:
        desk.set(Register.RETURN_CONTENT, int(Content.ACCELERATION))
    changed = desk.bench.change_baudrate(desk.find(), new)
    assert changed is not None
    assert changed.baudrate == desk.unit.baudrate == desk.saved == new
    assert desk.saves == 1
    desk.power_cycle()
    assert desk.find().baudrate == new


def test_a_unit_that_takes_its_baud_rate_at_the_next_restart_is_changed_too() -> None:
    desk = Desk(9600, baud_at_restart=True)
    changed = desk.bench.change_baudrate(desk.find(), 230400)
    assert changed is not None
    assert desk.unit.baudrate == desk.saved == 230400


def test_a_baud_rate_that_is_saved_costs_no_write() -> None:
    desk = Desk(9600)
    assert desk.bench.change_baudrate(desk.find(), 9600) is None
    desk.bench.change_baudrate(desk.find(), 115200)
    assert desk.saves == 1
    assert desk.bench.change_baudrate(desk.find(), 115200) is None
    assert desk.saves == 1
    assert not any(register == Register.BAUD for register, _ in desk.commands[-8:])


def test_a_baud_rate_that_is_in_force_but_not_saved_is_saved() -> None:
    desk = Desk(9600)
    for register, value in ((Register.KEY, UNLOCK_KEY), (Register.BAUD, BAUD_CODES[115200])):
        desk.transport.write(encode_command(register, value))
    assert (desk.unit.baudrate, desk.saved) == (115200, 9600)
    assert desk.bench.change_baudrate(desk.find(), 115200) is not None
    assert desk.saved == 115200


class InterruptError(Exception):
    """Stands for Ctrl-C, and for the end of the process: the driver does nothing more."""


@pytest.mark.parametrize(
    ("old", "new", "baud_at_restart"), [(9600, 230400, False), (230400, 9600, False), (9600, 230400, True)]
)
def test_interrupted_at_any_moment_the_unit_is_at_its_old_or_its_new_baud_rate(
    old: int, new: int, baud_at_restart: bool
) -> None:
    seen = set()
    for moment in count(1):
        desk = Desk(old, baud_at_restart=baud_at_restart)
        unit = desk.find()
        left = iter(range(moment, 0, -1))

        def interrupt(left=left) -> None:
            if next(left) == 1:
                raise InterruptError

        try:
            desk.bench.change_baudrate(unit, new, interrupt)
            break
        except InterruptError:
            pass
        assert desk.find().baudrate in (old, new)
        desk.power_cycle()
        found = desk.find()
        assert found.baudrate in (old, new)
        seen.add((desk.unit.baudrate, desk.saves))
        desk.bench.change_baudrate(found, new)  # repeated, it is done
        desk.power_cycle()
        assert desk.find().baudrate == desk.saved == new
        assert desk.saves <= 2
    assert moment > 10
    assert seen >= {(old, 0), (new, 1)}


@pytest.mark.parametrize("lost_at", range(1, 60))
def test_unplugged_at_any_moment_it_is_found_when_it_is_plugged_in_again(lost_at: int) -> None:
    desk = Desk(9600)
    unit, moments = desk.find(), iter(range(lost_at))

    def unplug() -> None:
        if next(moments, None) is None:
            desk.line.plug(False)

    try:
        desk.bench.change_baudrate(unit, 115200, unplug)
    except PortLostError:
        desk.line.plug(True)
    assert desk.find().baudrate in (9600, 115200)


def test_a_baud_rate_that_is_not_valid_is_refused_before_anything_is_sent() -> None:
    desk = Desk(9600)
    unit = desk.find()
    desk.commands.clear()
    with pytest.raises(HardwareError, match="1000000 baud is not valid; valid: 4800, 9600"):
        desk.bench.change_baudrate(unit, 1_000_000)
    assert desk.commands == []


def test_a_baud_rate_that_is_too_low_for_what_the_unit_sends_is_refused() -> None:
    desk = Desk(115200)
    desk.set(Register.RETURN_RATE, RATE_CODES[200.0])
    with pytest.raises(HardwareError, match="200 samples per second of 4 frames, which need 88000 baud: 57600"):
        desk.bench.change_baudrate(desk.find(), 57600)
    assert desk.unit.baudrate == desk.saved == 115200


@pytest.mark.parametrize("tells", [True, False])
def test_a_unit_that_does_not_accept_a_baud_rate_keeps_its_own(tells: bool) -> None:
    desk = Desk(9600, tells=tells)
    receive = desk.unit.receive
    desk.unit.receive = lambda data, now_ns: b"" if data[2] == Register.BAUD else receive(data, now_ns)
    with pytest.raises(HardwareError, match="does not accept 921600 baud: it is still at 9600, and nothing was saved"):
        desk.bench.change_baudrate(desk.find(), 921600)
    assert desk.unit.baudrate == desk.saved == 9600
    assert desk.saves == 0


def test_a_unit_that_is_not_heard_at_the_new_baud_rate_has_not_saved_it() -> None:
    desk = Desk(9600)
    unit, sample, receive = desk.find(), desk.unit.sample, desk.unit.receive
    deaf = lambda: desk.unit.baudrate == 921600  # noqa: E731 # a cable that is too long
    desk.unit.sample = lambda motion, now_ns: b"" if deaf() else sample(motion, now_ns)
    desk.unit.receive = lambda data, now_ns: b"" if deaf() else receive(data, now_ns)
    with pytest.raises(HardwareError, match="Nothing was saved: switch its power off and on, and it is at 9600 baud"):
        desk.bench.change_baudrate(unit, 921600)
    desk.power_cycle()
    assert desk.find().baudrate == 9600


def test_a_unit_that_does_not_save_is_not_said_to_have_saved() -> None:
    desk = Desk(9600)
    unit, receive = desk.find(), desk.unit.receive
    forgetful = encode_command(Register.SAVE, 0)
    desk.unit.receive = lambda data, now_ns: b"" if data == forgetful else receive(data, now_ns)
    with pytest.raises(HardwareError, match="answered at 115200 baud but did not save that: it is back at 9600"):
        desk.bench.change_baudrate(unit, 115200)


def test_a_unit_that_is_silent_after_its_restart_is_reported() -> None:
    desk = Desk(9600)
    unit, receive = desk.find(), desk.unit.receive
    restart = encode_command(Register.SAVE, 0xFF)

    def dies(data: bytes, now_ns: int) -> bytes:
        if data == restart:
            desk.unit.fault = "imu_silent"
        return b"" if desk.unit.fault else receive(data, now_ns)

    desk.unit.receive = dies
    with pytest.raises(HardwareError, match="not heard after its restart"):
        desk.bench.change_baudrate(unit, 115200)
