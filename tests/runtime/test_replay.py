"""Law of replay: a log gives all that contract, policy and safety computed again, bit for bit."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fake_robot import FunctionPolicy

import sim2real
from sim2real.configs.library import shipped, shipped_policies
from sim2real.runtime.log import read_log
from sim2real.runtime.policy import OnnxPolicy, load_policy
from sim2real.runtime.replay import replay
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State


@pytest.fixture
def logged(model_of, robot, fake, tmp_path):
    policy = OnnxPolicy(model_of(gain=-0.7, bias=0.3))
    path = tmp_path / "run.mcap"
    fake.position[:] = 0.7
    fake.velocity[:] = 0.3
    # A lost reply now and then, and one loss long enough to damp: the pipelines are reset after it.
    fake.lost = lambda read: read % 17 == 0 or 150 <= read < 160
    options = RunOptions(duration=3.0, log=path, synchronous_log=True)
    report = run_session(policy, robot, fake, fake.clock, options)
    assert report.ok, report.reasons
    assert report.held_ticks > 5
    return path, policy, report


def test_a_replay_gives_the_same_bits(logged):
    path, policy, report = logged
    result = replay(path, policy)
    assert result.mismatches == ()
    ran = [tick for tick in read_log(path).ticks if tick["ran"]]
    assert result.ticks == len(ran)
    assert 200 < result.ticks < report.ticks
    assert sum(tick["reset"] for tick in ran) == 2


def test_a_reading_changed_in_its_last_bits_is_found(logged, monkeypatch):
    path, policy, _ = logged
    log = read_log(path)
    ran = [tick for tick in log.ticks if tick["ran"]]
    changed = ran[50]
    changed["velocity"][0] *= 1.0 + 2.0**-22  # two units in the last place of the observation's float32
    monkeypatch.setattr("sim2real.runtime.replay.read_log", lambda _path: log)
    result = replay(path, policy)
    assert result.mismatches
    assert result.mismatches[0].tick == changed["tick"]
    assert result.mismatches[0].what == "observation"


def test_a_changed_action_shows_in_the_target_and_in_the_policy(logged, monkeypatch):
    path, policy, _ = logged
    log = read_log(path)
    tick = [tick for tick in log.ticks if tick["ran"]][50]
    tick["action"][0] = 0.123
    monkeypatch.setattr("sim2real.runtime.replay.read_log", lambda _path: log)
    assert {(found.tick, found.what) for found in replay(path, policy).mismatches} >= {
        (tick["tick"], "action"),
        (tick["tick"], "target"),
    }


def test_actions_that_were_not_finite_replay_too(policy_of, robot, fake, tmp_path):
    values = {40: float("nan"), 60: float("inf"), 61: float("-inf")}
    policy = policy_of(lambda observation: values.get(policy.calls, 0.2))
    path = tmp_path / "run.mcap"
    run_session(policy, robot, fake, fake.clock, RunOptions(duration=1.0, log=path, synchronous_log=True))
    result = replay(path)
    assert result.ticks == policy.calls > 61
    assert result.mismatches == ()


@pytest.mark.parametrize("earlier", [False, True], ids=["log", "log of an earlier version"])
def test_a_policy_with_memory_forgets_where_it_did(earlier, robot, fake, contract, tmp_path, monkeypatch):
    class Remembering(FunctionPolicy):
        def reset(self):
            self.calls = 0

    policy = Remembering(contract, lambda _: 1e-4 * policy.calls)
    path = tmp_path / "run.mcap"
    fake.lost = lambda read: 150 <= read < 160  # it damps, and begins anew
    run_session(policy, robot, fake, fake.clock, RunOptions(duration=3.0, log=path, synchronous_log=True))
    log = read_log(path)
    assert sum(tick["reset"] for tick in log.ticks if tick["ran"]) == 2
    if earlier:
        monkeypatch.delitem(log.metadata, "robot")
        monkeypatch.setattr("sim2real.runtime.replay.read_log", lambda _path: log)
    policy.calls = 1000
    result = replay(path, policy)
    assert result.with_safety is not earlier
    assert result.mismatches == ()


# Safety and the state machine


def operate(name: str, tmp_path: Path, **options: object) -> Path:
    path = tmp_path / f"{name}.mcap"
    robot = load_policy(name).contract.robot.name
    sim2real.run(name, robot, lockstep=True, plant="inertia", log=path, **options)
    return path


@pytest.mark.parametrize("faults", [None, *shipped("faults")])
@pytest.mark.parametrize("name", shipped_policies())
def test_verdicts_states_and_commands_of_every_shipped_policy_come_out_bit_for_bit(name, faults, tmp_path):
    result = replay(operate(name, tmp_path, duration=2.0, faults=faults))
    assert result.with_safety
    assert result.reasons == ()
    assert len(result.log.ticks) > 20


def test_a_policy_that_runs_in_every_fourth_tick_replays(tmp_path):
    result = replay(operate("quadruped_walk", tmp_path, duration=1.0, bus_rate=200.0), load_policy("quadruped_walk"))
    assert result.reasons == ()
    assert result.ticks * 3 < len(result.log.ticks)


@pytest.mark.parametrize("name", shipped_policies())
def test_another_limit_than_the_robot_s_is_found(name, tmp_path, monkeypatch):
    """A safety that allows a little more, or less, is not the one that ran."""
    path = operate(name, tmp_path, duration=1.0, faults="lossy_bus")
    log = read_log(path)
    robot = json.loads(log.metadata["robot"])
    robot["safety"]["reading_age_max"] = "0.1 ms"
    changed = replace(log, metadata=log.metadata | {"robot": json.dumps(robot)})
    monkeypatch.setattr("sim2real.runtime.replay.read_log", lambda _path: changed)
    result = replay(path)
    assert result.counts["verdict"] + result.counts["state"] + result.counts["command"] > 0


@pytest.mark.parametrize(
    ("field", "what"), [("command_position", "command"), ("stiffness", "command"), ("reasons", "verdict")]
)
def test_a_changed_command_or_verdict_is_found(field, what, tmp_path, monkeypatch):
    path = operate("quadruped_walk", tmp_path, duration=1.0)
    log = read_log(path)
    tick = log.ticks[20]
    if field == "reasons":
        tick[field] = ["TEMPERATURE"]
    else:
        tick[field][3] = np.nextafter(tick[field][3], 9.0)
    monkeypatch.setattr("sim2real.runtime.replay.read_log", lambda _path: log)
    result = replay(path)
    assert [(found.tick, found.what) for found in result.mismatches] == [(tick["tick"], what)]
    assert str(tick["tick"]) in result.reasons[0]


def test_a_fault_and_what_follows_replay(policy_of, robot, fake, tmp_path):
    path = tmp_path / "run.mcap"
    fake.lost = lambda read: read > 150
    report = run_session(
        policy_of(lambda observation: 0.1),
        robot,
        fake,
        fake.clock,
        RunOptions(duration=9.0, log=path, synchronous_log=True),
    )
    assert report.final_state is State.FAULT
    result = replay(path)
    assert result.reasons == ()
    assert {"DAMPING", "FAULT"} <= {tick["state"] for tick in result.log.ticks}


def test_an_exception_in_a_tick_ends_the_replay_where_it_was(policy_of, robot, fake, tmp_path):
    def act(observation):
        if policy.calls == 50:
            raise RuntimeError("out of memory")
        return 0.1

    policy = policy_of(act)
    path = tmp_path / "run.mcap"
    run_session(policy, robot, fake, fake.clock, RunOptions(duration=3.0, log=path, synchronous_log=True))
    result = replay(path)
    assert result.reasons == ()
    assert result.stopped_at is not None
    assert result.ticks == 49


class Person:
    """An operator who resets and starts again after each fault; implements `Operator`."""

    def __init__(self, controller_of, stop_after):
        self.values = np.zeros(0)
        self.alive_ns, self.stop, self.emergency, self.resets, self.starts = -1, False, False, 0, 0
        self.polls, self._state, self._stop_after = 0, controller_of, stop_after

    def poll(self):
        self.polls += 1
        self.alive_ns = self.polls
        state = self._state()
        if state in ("FAULT", "ESTOP") and self.polls % 10 == 0:
            self.resets += 1
        elif state == "LIMP" and self.polls % 10 == 5:
            self.starts += 1
        self.emergency = 300 <= self.polls < 310
        self.stop = self.polls > self._stop_after


def test_resets_starts_and_emergency_stops_replay(policy_of, robot, fake, tmp_path):
    path, seen = tmp_path / "run.mcap", []
    fake.lost = lambda read: 100 <= read < 130  # long enough for a fault
    person = Person(lambda: seen[-1].state.name if seen else "", 600)
    options = RunOptions(log=path, synchronous_log=True, operator=person, on_tick=seen.append)
    report = run_session(policy_of(lambda observation: 0.1), robot, fake, fake.clock, options)
    result = replay(path)
    states = [row["state"] for row in result.log.rows]
    changes = [after for before, after in pairwise(states) if after != before]
    assert {"FAULT", "ESTOP"} <= set(changes)
    assert changes.count("RUNNING") >= 3, (changes, report.warnings, report.stopped_by, person.polls)
    assert {event for row in result.log.rows for event in row["events"]} >= {"OPEN", "ENABLE", "RESET", "ESTOP"}
    assert result.reasons == ()


def test_a_policy_that_takes_over_replays_with_its_own_ranges(policy_of, contract, robot, fake, tmp_path, monkeypatch):
    # The replay knew of no swap: from there on nothing was as it had been.
    seen = [
        term.model_copy(update={"low": (-1e-3,) * term.width, "high": (1e-3,) * term.width})
        for term in contract.observation
    ]
    second = FunctionPolicy(contract.model_copy(update={"observation": tuple(seen)}), lambda _: 0.3)
    second.digest = "1" * 64
    first, path = policy_of(lambda observation: 0.2 - observation[0, 0]), tmp_path / "run.mcap"
    options = RunOptions(
        duration=1.5,
        log=path,
        synchronous_log=True,
        on_tick=lambda controller: controller.swap(second) if controller.record.tick == 60 else None,
    )
    run_session(first, robot, fake, fake.clock, options)
    assert sum("OBSERVATION_RANGE" in tick["reasons"] for tick in read_log(path).ticks) > 10
    for policy in (None, first, second):
        result = replay(path, policy)
        assert (result.mismatches, result.stopped_at) == ((), None)
        assert result.ticks > 100
    killed = replace(read_log(path), run={})
    monkeypatch.setattr("sim2real.runtime.replay.read_log", lambda _path: killed)
    result = replay(path)
    assert (result.mismatches, result.stopped_at, result.stopped_by) == ((), 61, "the swap of policies")
