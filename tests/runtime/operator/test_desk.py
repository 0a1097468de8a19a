"""Laws of the desk: anyone may stop; one device at a time commands, and its own signs of life alone count."""

import pytest
from office import MS, Office

from sim2real.runtime.operator.desk import GAP_MAX_NS
from sim2real.runtime.operator.refusal import RefusedError


def test_nothing_is_asked_for_by_being_there():
    office = Office()
    box = office.polled()
    assert (box.alive_ns, box.starts, box.resets, box.stop, box.emergency) == (-1, 0, 0, False, False)
    assert office.values() == [None, None]
    assert office.desk.in_command is None


def test_a_sign_of_life_of_a_device_that_is_not_in_command_does_not_count():
    office = Office()
    assert not office.desk.alive("b")
    office.desk.give("a", {"forward": 0.1})
    at = office.polled().alive_ns
    assert not office.desk.alive("b")
    assert office.polled(100).alive_ns == at
    assert office.desk.alive("a")
    assert office.polled().alive_ns == at + 120 * MS


def test_the_last_to_give_a_command_is_in_command_and_gets_nothing_of_what_others_gave():
    office = Office()
    office.desk.give("a", {"forward": 0.1, "turn": 0.5})
    assert office.values() == [0.1, 0.5]
    office.desk.give("b", {"turn": -0.5})
    assert office.desk.in_command == "b"
    assert office.values() == [0.0, -0.5]  # back to what the run began with
    assert office.desk.asked_by("a") == {}
    assert office.desk.asked_by("b") == {"turn": -0.5}


def test_commands_of_a_device_that_leaves_are_taken_back_and_its_life_ends():
    office = Office()
    office.desk.start("a")
    office.desk.give("a", {"forward": 0.3})
    at = office.polled().alive_ns
    office.desk.left("b")
    assert office.values()[0] == 0.3
    office.desk.left("a")
    assert office.values()[0] == 0.0
    assert not office.desk.alive("a")
    assert office.polled(300).alive_ns == at


def test_a_refused_request_changes_nothing():
    office = Office()
    office.desk.give("a", {"forward": 0.3})
    for values in ({"forward": 0.1, "turn": 1.5}, {"forward": float("nan")}, {"sideways": 1.0}, {"turn": float("inf")}):
        with pytest.raises(RefusedError, match="valid: "):
            office.desk.give("b", values)
    assert office.desk.in_command == "a"
    assert office.values() == [0.3, None]


def test_anyone_may_stop_and_reset_whoever_is_in_command():
    office = Office()
    office.desk.give("a", {"forward": 0.3})
    office.desk.emergency_stop()
    assert office.polled().emergency
    office.desk.reset()
    box = office.polled()
    assert box.resets == 1
    assert not box.emergency
    office.desk.stop()
    assert office.polled().stop
    assert office.desk.in_command == "a"


@pytest.mark.parametrize("first", ["emergency_stop", "reset"])
def test_an_emergency_stop_is_never_lost_beside_a_reset_in_the_same_tick(first):
    office = Office()
    second = {"emergency_stop": "reset", "reset": "emergency_stop"}[first]
    getattr(office.desk, first)()
    getattr(office.desk, second)()
    box = office.polled()
    assert box.emergency
    assert box.resets == 1
    assert office.polled().emergency
    office.desk.reset()
    assert not office.polled().emergency


def test_after_a_gap_of_the_process_nothing_given_before_it_holds():
    office = Office()
    office.desk.give("a", {"forward": 0.3})
    at = office.polled().alive_ns
    office.polled(GAP_MAX_NS // MS + 20)
    assert office.desk.in_command is None
    assert not office.desk.alive("a")
    assert office.values()[0] == 0.0
    assert office.polled().alive_ns == at


def test_a_policy_without_commands_can_be_started_stopped_and_reset():
    office = Office(())
    office.desk.start("a")
    assert office.polled().starts == 1
    with pytest.raises(RefusedError, match="takes no commands"):
        office.desk.give("a", {"forward": 0.1})
