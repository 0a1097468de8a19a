"""Laws of the live view: what is on the screen is what the ticks say, and it fits whatever the terminal is."""

import re

import pytest
from office import COMMANDS
from rich.console import Console

from sim2real.configs.load import load_robot
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.operator.briefing import Briefing
from sim2real.runtime.operator.key_map import keys_text
from sim2real.runtime.operator.live_text import live_text
from sim2real.runtime.operator.run_state import RunState
from sim2real.runtime.policy import load_policy
from sim2real.runtime.ring import RingReader, SharedRing
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.tick_fields import row_layout

SHIPPED = {
    "pendulum": "pendulum_swingup",
    "quadruped": "quadruped_walk",
    "so101": "so101_reach",
    "hopper_leg": "hopper_hop",
}
SIZES = [(columns, lines) for columns in (20, 80, 120) for lines in (3, 8, 24, 50)]


def briefing(joints=12, **fields):
    names = tuple(f"front_left_joint_{place}" for place in range(joints))
    return Briefing(
        "quadruped", "quadruped_walk", 50.0, names, (), COMMANDS, 75.0, ((9.0, 13.0),) * len(names), **fields
    )


def tick(number=1, joints=12, state="RUNNING", **fields):
    nan = float("nan")
    arrays = {
        "position": 0.1,
        "velocity": 0.0,
        "effort": nan,
        "temperature": 40.0,
        "voltage": 12.0,
        "command_position": 0.2,
    }
    document = {name: [value] * joints for name, value in arrays.items()}
    document |= {"fresh": [True] * joints, "faults": [[]] * joints, "interventions": [[]] * joints, "asked": [0.1, 0.2]}
    document |= {
        "tick": number,
        "time_ns": number * 20_000_000,
        "state": state,
        "missed": 0,
        "reasons": [],
        "ran": True,
    }
    return document | fields


def shown(state, columns=80, lines=24, keys="x end", **options):
    console = Console(width=columns, height=lines, highlight=False, force_terminal=True, **options)
    with console.capture() as capture:
        console.print(live_text(state, keys, height=lines, width=columns))
    return capture.get()


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize(("columns", "lines"), SIZES)
@pytest.mark.parametrize("joints", [1, 12, 40])
def test_it_fits(columns, lines, joints):
    state = RunState(briefing(joints))
    for number in range(1, 12):
        state.take(
            tick(number, joints, "FAULT" if number == 11 else "RUNNING", reasons=["TEMPERATURE", "TRACKING"], missed=1)
        )
    text = plain(shown(state, columns, lines, keys_text(COMMANDS)))
    assert len(text.splitlines()) <= lines
    assert max(map(len, text.splitlines())) <= columns
    assert "FAULT" in text


def test_it_says_what_the_ticks_say():
    state = RunState(briefing(waits=True, duration=60.0))
    assert "CONNECTING" in plain(shown(state))
    state.take(tick(0, state="LIMP", ran=False))
    assert "LIMP  waits for start" in plain(shown(state))
    for number in range(1, 60):
        state.take(tick(number, missed=2 if number == 30 else 0, interventions=[["VELOCITY"]] + [[]] * 11))
    text = plain(shown(state, 120))
    assert "at 50.0 of 50 Hz, missed 2" in text
    assert "VELOCITY 59" in text
    assert "forward +0.10  turn +0.20" in text
    assert "1.2 s of 60 s" in text
    state.take(tick(60, state="FAULT", reasons=["COMMUNICATION_LOSS"], fresh=[False] + [True] * 11))
    text = plain(shown(state))
    assert "fault           COMMUNICATION_LOSS" in text
    assert "no answer" in text


def test_the_hottest_joints_are_shown_where_not_all_fit():
    state = RunState(briefing(40))
    state.take(tick(joints=40, temperature=[20.0 + place for place in range(40)]))
    text = plain(shown(state, 80, 12))
    assert "front_left_joint_39" in text
    assert "front_left_joint_0 " not in text


def test_without_colour_there_is_none(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    state = RunState(briefing())
    state.take(tick(state="FAULT", temperature=[90.0] * 12))
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|4[0-7])", shown(state))


@pytest.mark.parametrize("name", SHIPPED)
def test_ticks_of_every_shipped_robot_can_be_shown_and_sent(name):
    robot, policy = load_robot(name), load_policy(SHIPPED[name])
    ring = SharedRing(row_layout(policy.contract))
    reader, state = RingReader(ring.fd), RunState(Briefing.of(policy.contract, robot))
    world = lockstep(robot, plant="inertia")
    run_session(policy, robot, world.hardware, world.clock, RunOptions(duration=0.1, ring=ring))
    while (row := reader.pop()) is not None:
        state.take(reader.layout.plain(row))
    text, document = plain(shown(state, 120, 40)), state.document()
    assert document["state"] in text
    for joint in robot.joints:
        assert joint in text
        assert set(document["joints"][joint]) >= {"position", "effort", "temperature", "command", "limits"}
    assert list(document["commands"]) == [command.name for command in policy.contract.commands]
    assert Briefing.of_json(state.briefing.to_json()) == state.briefing
    reader.close()
    ring.close()


def test_a_document_is_json_whatever_was_not_measured():
    state = RunState(briefing(1))
    assert state.document()["state"] is None
    state.take(tick(joints=1, temperature=[float("nan")], position=[float("inf")]))
    assert state.document()["joints"]["front_left_joint_0"]["temperature"] is None
    assert state.document()["joints"]["front_left_joint_0"]["position"] is None
