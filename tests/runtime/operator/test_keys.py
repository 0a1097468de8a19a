"""Laws of the keyboard's bytes and of what each key asks for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from office import COMMANDS, Office

from sim2real.runtime.contract.spec import CommandSpec
from sim2real.runtime.operator.key_map import STEPS, KeyMap, keys_text
from sim2real.runtime.operator.keys import KeyReader


def pressed(office, *keys, commands=COMMANDS):
    key_map = KeyMap(commands, office.desk)
    for key in keys:
        key_map.press(key)
    return office


def test_keys_have_names():
    assert KeyReader().feed(b" \r\nwA0+\x7f") == ["space", "enter", "enter", "w", "A", "0", "+", "other"]
    assert KeyReader().feed(b"\x1b[A\x1b[B\x1bOC\x1bOD") == ["up", "down", "right", "left"]
    assert KeyReader().feed(b"\x1b[15~\x1b[1;5A w") == ["other", "other", "space", "w"]


@given(data=st.binary(max_size=40), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_any_bytes_are_keys_and_a_space_outside_a_sequence_is_never_lost(data, cuts):
    keys = KeyReader().feed(data)
    assert all(isinstance(key, str) for key in keys)
    if b"\x1b" not in data:
        assert keys.count("space") == data.count(b" ")
        reader, pieces = KeyReader(), sorted({0, *(cut for cut in cuts if cut <= len(data)), len(data)})
        split = [key for start, end in pairwise(pieces) for key in reader.feed(data[start:end])]
        assert split == keys


def test_a_sequence_that_never_ends_is_given_up():
    reader = KeyReader()
    assert reader.feed(b"\x1b[" + b"0" * 40)
    assert "space" in reader.feed(b"    ")


def test_space_is_the_emergency_stop_x_ends_r_resets_and_enter_starts():
    assert pressed(Office(), "space").polled().emergency
    assert pressed(Office(), "x").polled().stop
    assert pressed(Office(), "r").polled().resets == 1
    office = pressed(Office(), "enter")
    assert office.polled().starts == 1
    assert office.desk.in_command == "keyboard"


def test_other_keys_ask_for_nothing():
    office = pressed(Office(), "other", "W", "9", "z", "~")
    box = office.polled()
    assert (box.starts, box.resets, box.stop, box.emergency, box.alive_ns) == (0, 0, False, False, -1)
    assert office.desk.in_command is None


def test_pairs_of_keys_raise_and_lower_the_commands_in_order():
    office = pressed(Office(), "w", "w", "up", "d")
    assert office.desk.asked_by("keyboard") == {"forward": 0.15, "turn": -0.1}


def test_as_many_presses_up_as_down_end_where_they_began_and_no_press_leaves_the_range():
    office = pressed(Office(), *["w"] * (3 * STEPS))
    assert office.desk.asked_by("keyboard")["forward"] == 0.5
    office = pressed(Office(), *["w"] * 7, *["s"] * 7)
    assert office.desk.asked_by("keyboard")["forward"] == 0.0


def test_any_command_can_be_chosen_by_its_number():
    many = tuple(CommandSpec(name=f"c{place}", low=0.0, high=2.0, default=1.0) for place in range(5))
    office = pressed(Office(many), "5", "+", "4", "-", commands=many)
    assert office.desk.asked_by("keyboard") == {"c4": 1.1, "c3": 0.9}
    assert "1-9 + - others" in keys_text(many)


def test_0_sets_the_commands_back():
    assert pressed(Office(), "w", "a", "0").desk.asked_by("keyboard") == {"forward": 0.0, "turn": 0.0}


def test_every_key_is_a_sign_of_life_once_the_keyboard_is_in_command():
    office = pressed(Office(), "enter")
    at = office.polled().alive_ns
    pressed(office, "other")
    assert office.polled(100).alive_ns == at + 20 * 1_000_000


def test_without_commands_no_key_commands_and_the_line_names_none():
    office = pressed(Office(()), "w", "+", "0", "1", commands=())
    assert office.desk.in_command is None
    assert keys_text(()) == "enter start · space E-STOP · x end · r reset"
