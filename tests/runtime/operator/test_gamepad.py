"""Laws of the gamepad, from the bytes of the kernel's events."""

import os
import selectors

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import COMMANDS, Office

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator import input_event as linux
from sim2real.runtime.operator.gamepad import Gamepad

COMMANDS = (*COMMANDS, CommandSpec(name="spin", low=-2.0, high=1.0, default=0.0))

# `struct input_event` as `evtest` and `hexdump /dev/input/event…` show it on x86-64 and aarch64: 16 bytes of time, then
# type, code and value. The left shoulder button pressed, the left stick pushed to its end, each with its report.
SHOULDER_AND_STICK = bytes.fromhex(
    "64a1d76600000000 10270c0000000000 0100 3601 01000000"
    "64a1d76600000000 10270c0000000000 0000 0000 00000000"
    "64a1d76600000000 88330c0000000000 0300 0100 0080ffff"
    "64a1d76600000000 88330c0000000000 0000 0000 00000000"
)


class Pad:
    """A gamepad behind a named pipe that a test writes events to."""

    def __init__(self, tmp_path, commands=COMMANDS):
        self.office = Office(commands)
        self.path = tmp_path / "event7"
        os.mkfifo(self.path)
        self.selector = selectors.DefaultSelector()
        self.gamepad = Gamepad(commands, self.office.desk, str(self.path), self.office.now)
        self.gamepad.open(self.selector)
        self.plug_in()

    def plug_in(self):
        self.file = open(self.path, "wb", buffering=0)  # noqa: SIM115 - closed with the pad

    def send(self, *events):
        """Each event is (type, code, value); a report follows."""
        data = b"".join(linux.EVENT.pack(1, 2, *event) for event in (*events, (linux.EV_SYN, linux.SYN_REPORT, 0)))
        self.file.write(data)
        return self.serve()

    def serve(self):
        for key, _ in self.selector.select(0):
            key.data()
        self.gamepad.beat()
        return self.office.polled()

    def asked(self):
        return self.office.desk.asked_by(self.gamepad.name)

    def close(self):
        self.gamepad.close()
        self.file.close()
        self.selector.close()


@pytest.fixture
def pad(tmp_path):
    pad = Pad(tmp_path)
    yield pad
    pad.close()


def key(code, value=1):
    return (linux.EV_KEY, code, value)


def stick(code, value):
    return (linux.EV_ABS, code, value)


HOLD = key(linux.BTN_TL)


def test_recorded_bytes_of_a_held_button_and_a_stick_command_forward(pad):
    for byte in SHOULDER_AND_STICK:  # in as many pieces as there can be
        pad.file.write(bytes([byte]))
        pad.serve()
    assert pad.asked()["forward"] == 0.5


def test_sticks_command_nothing_while_the_button_is_not_held(pad):
    box = pad.send(stick(linux.ABS_Y, -32768))
    assert pad.asked() == {}
    assert box.alive_ns == -1


def test_a_held_button_is_a_sign_of_life_without_any_event(pad):
    pad.send(HOLD)
    for _ in range(5):
        before = pad.office.box.alive_ns
        assert pad.serve().alive_ns > before
    pad.send(key(linux.BTN_TL, 0))
    at = pad.office.box.alive_ns
    assert pad.serve().alive_ns == at
    assert pad.asked() == {}


def test_directions_are_forward_left_and_counterclockwise(pad):
    pad.send(HOLD, stick(linux.ABS_Y, -32768), stick(linux.ABS_X, 32767), stick(linux.ABS_RX, 32767))
    assert pad.asked() == {"forward": 0.5, "turn": -1.0, "spin": -2.0}  # each half to its own end of the range


@given(
    value=st.integers(-(2**31), 2**31 - 1),
    low=st.integers(-(2**15), 0),
    high=st.integers(1, 2**16),
    flat=st.integers(0, 500),
)
def test_any_count_is_within_the_range_and_both_ends_are_reached(value, low, high, flat):
    axis = linux.Axis(low, high, min(flat, (high - low) // 4))
    assert -1.0 <= axis.scaled(value) <= 1.0
    assert axis.scaled(low) == -1.0
    assert axis.scaled(high) == 1.0


def test_a_stick_at_rest_is_the_default_however_worn_it_is():
    assert linux.STICK.scaled(0) == linux.STICK.scaled(3000) == linux.STICK.scaled(-3000) == 0.0
    assert linux.Axis(0, 255, 15).scaled(131) == 0.0  # a stick of a DualShock
    assert linux.Axis(0, 1000, 200).scaled(699) == 0.0  # the driver knows of a wider dead zone
    assert 0.0 < linux.STICK.scaled(3500) < 0.01  # no step at its edge


def test_buttons_ask_whether_or_not_the_shoulder_is_held(pad):
    assert pad.send(key(linux.BTN_START)).starts == 1
    assert pad.send(key(linux.BTN_START, 0)).starts == 1
    assert pad.send(key(linux.BTN_START, 2)).starts == 1  # held on is not pressed again
    assert pad.send(key(linux.BTN_SELECT)).resets == 1
    assert pad.send(key(linux.BTN_EAST)).emergency
    assert pad.send(key(linux.BTN_WEST)).stop


def test_after_lost_events_the_button_has_to_be_pressed_again(pad):
    pad.send(HOLD, stick(linux.ABS_Y, -32768))
    pad.send((linux.EV_SYN, linux.SYN_DROPPED, 0), HOLD)  # what follows up to the next report is not whole
    at = pad.office.box.alive_ns
    assert pad.serve().alive_ns == at
    assert pad.asked() == {}
    pad.send(key(linux.BTN_TL, 0))
    pad.send(HOLD)
    assert pad.asked()


def test_a_gamepad_that_is_gone_has_let_go_and_one_that_comes_back_is_opened_again(pad):
    pad.send(HOLD, stick(linux.ABS_Y, -32768))
    assert pad.asked()["forward"] == 0.5
    pad.file.close()  # a pipe without a writer reads as a device that was unplugged
    at = pad.serve().alive_ns
    assert pad.serve().alive_ns == at
    assert pad.asked() == {}
    pad.office.polled(1100)
    pad.gamepad.beat()
    pad.plug_in()
    assert pad.serve().alive_ns == at  # what was held before is not held now
    pad.send(HOLD)
    assert pad.office.box.alive_ns > at


@given(data=st.binary(max_size=240))
def test_any_bytes_are_events(data):
    events, rest = linux.decode(data)
    assert len(events) * linux.EVENT.size + len(rest) == len(data)
    office = Office(COMMANDS)
    gamepad = Gamepad(COMMANDS, office.desk, "/dev/null", office.now)
    for event in events:
        gamepad.take(event)


def test_fewer_commands_than_sticks_are_no_matter(tmp_path):
    pad = Pad(tmp_path, ())
    box = pad.send(HOLD, stick(linux.ABS_Y, 5), key(linux.BTN_START))
    assert box.starts == 1
    pad.close()


def test_no_gamepad_is_one_clear_line(tmp_path):
    office = Office()
    with selectors.DefaultSelector() as selector, pytest.raises(UserError, match="event9: No such file"):
        Gamepad(COMMANDS, office.desk, str(tmp_path / "event9")).open(selector)
