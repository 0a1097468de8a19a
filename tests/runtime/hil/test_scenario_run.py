"""Laws of scenarios, wire protocol and emulated motor included: what a fault comes to, on the emulator's own state."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_scenario
from sim2real.hardware.clock import ns_from_s
from sim2real.hardware.types import JointCommand, JointState
from sim2real.runtime.commands import hil as hil_command
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.hil.scenario_run import ScenarioRun, run_scenario
from sim2real.runtime.log import read_log
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.replay import replay


@pytest.fixture
def policy(model_of):
    # Pushes gently and damps: with the first-order plant the joint settles into a slow turn.
    return OnnxPolicy(model_of(gain=-2.0, bias=0.35))


def scenario_of(faults, *overrides, **expect):
    expected = {"final_state": "RUNNING"} | expect
    base = load_scenario("pendulum_silent_motor", ("duration=2 s", *overrides))
    described = type(base.faults).model_validate({"name": "test", "seed": 3, "faults": faults})
    return base.model_copy(update={"faults": described, "expect": type(base.expect).model_validate(expected)})


def run(scenario, policy, **options):
    return run_scenario(scenario, policy, plant="inertia", **options)


def test_an_undisturbed_scenario_has_no_interventions(policy):
    result = run(scenario_of([], interventions_max=0, torque_off=False), policy)
    assert result.ok, result.failures


@pytest.mark.parametrize("kind", ["lose_reply", "corrupt_reply", "truncate_reply", "duplicate_reply"])
def test_damaged_replies_are_counted_and_the_command_never_jumps(policy, kind, tmp_path):
    log = tmp_path / "run.mcap"
    faults = [{"kind": kind, "probability": 0.1}]
    result = run(scenario_of(faults, faults_injected_min=10, interventions_max=0), policy, log=log)
    assert result.ok, result.failures
    ticks = read_log(log).ticks
    command = np.array([tick["command_effort"][0] for tick in ticks])
    held = [at for at, tick in enumerate(ticks) if tick["state"] == "RUNNING" and not tick["ran"]]
    assert len(held) == result.report.held_ticks
    assert all(command[at] == command[at - 1] for at in held)
    undisturbed = run(scenario_of([]), policy, log=log)
    assert undisturbed.ok
    smooth = np.abs(np.diff([tick["command_effort"][0] for tick in read_log(log).ticks])).max()
    assert np.abs(np.diff(command)).max() <= 2 * smooth
    assert replay(log, policy).mismatches == ()
    if kind != "duplicate_reply":
        bus = result.report.bus
        assert bus.timeouts + bus.corrupt > 0
        assert result.report.held_ticks > 0


def test_a_silent_motor_has_no_torque_in_the_end(policy):
    faults = [{"kind": "silent", "joint": "pivot", "start": "1 s"}]
    result = run(scenario_of(faults, final_state="FAULT", torque_off=True, faults_injected_min=1), policy)
    assert result.ok, result.failures
    assert result.report.duration < 1.0 + 0.2 + 0.05
    assert "COMMUNICATION_LOSS" in result.report.interventions


def test_a_pulled_adapter_has_no_torque_in_the_end(policy, robot):
    faults = [{"kind": "unplug", "bus": "main", "start": "1 s"}]
    result = run(scenario_of(faults, final_state="FAULT", torque_off=True, faults_injected_min=1), policy)
    assert result.ok, result.failures
    assert result.emulator["joints"]["pivot"]["watchdog_tripped"]
    assert "PORT_LOST" in result.report.interventions


@pytest.mark.parametrize("kind", ["overheat", "overload", "power_cycle"])
def test_what_a_motor_says_of_itself_is_a_fault(policy, kind):
    faults = [{"kind": kind, "joint": "pivot", "start": "500 ms"}]
    result = run(scenario_of(faults, final_state="FAULT", torque_off=True, faults_injected_min=1), policy)
    assert result.ok, result.failures


def test_a_runtime_that_dies_leaves_no_torque_once_the_watchdog_s_time_is_over(robot):
    world = lockstep(robot, plant="inertia")
    hardware, clock = world.hardware, world.clock
    state, command = JointState.empty(1), JointCommand.zeros(1)
    hardware.open()
    hardware.read(state)
    hardware.enable()
    for _ in range(10):
        hardware.read(state)
        command.effort[:] = 0.3
        hardware.write(command)
        clock.sleep_until_ns(clock.now_ns() + 10_000_000)
    assert not world.snapshot()["torque_off"]
    clock.sleep_until_ns(clock.now_ns() + ns_from_s(robot.safety.watchdog + 0.02))  # and one of the watchdog's steps
    assert world.snapshot()["torque_off"]


def test_a_short_silence_damps_and_the_run_goes_on(policy):
    faults = [{"kind": "silent", "joint": "pivot", "start": "1 s", "duration": "90 ms"}]
    result = run(scenario_of(faults, interventions_min=1, faults_injected_min=1), policy)
    assert set(result.report.interventions) == {"STALE_READING"}
    assert result.ok, result.failures


def test_a_scenario_is_the_same_each_time(policy, tmp_path):
    faults = [{"kind": "lose_reply", "probability": 0.2}, {"kind": "corrupt_reply", "probability": 0.1}]
    logs = [tmp_path / "a.mcap", tmp_path / "b.mcap"]
    for log in logs:
        run(scenario_of(faults), policy, log=log)
    assert logs[0].read_bytes() == logs[1].read_bytes()


def test_every_unmet_expectation_is_told(policy):
    expect = {
        "final_state": "FAULT",
        "goal": True,
        "torque_off": True,
        "interventions_min": 5,
        "faults_injected_min": 3,
    }
    result = run(scenario_of([], **expect), policy)
    assert not result.ok
    assert len(result.failures) == 5
    over = run(
        scenario_of([{"kind": "silent", "joint": "pivot", "start": "1 s", "duration": "90 ms"}], interventions_max=0),
        policy,
    )
    assert "interventions, expected at most 0" in over.failures[0]


def test_what_only_an_emulator_in_this_process_tells_is_named_where_there_is_none(policy):
    told = {"always": "torque is on"}
    seen = {"always": "state is RUNNING"}
    scenario = scenario_of([], "duration=0.2 s", torque_off=False, faults_injected_min=3, checks=[told, seen])
    world = lockstep(scenario.task.robot, plant="inertia")
    real = ScenarioRun(scenario, policy, world.hardware, world.clock, "real").result(synchronous=True)
    assert real.left_out == ("always torque is on", "torque_off", "faults_injected_min")
    assert real.document()["left_out"] == list(real.left_out)
    assert [each.text for each in real.checks] == ["always state is RUNNING"]
    emulated = run(scenario, policy)
    assert emulated.left_out == ()
    assert any("faults happened" in failure for failure in emulated.failures)


def test_a_policy_of_another_task_is_refused(policy, contract):
    other = load_scenario("pendulum_swingup")
    renamed = other.model_copy(update={"task": other.task.model_copy(update={"name": "balance"})})
    with pytest.raises(UserError, match="is of task 'balance'"):
        run(renamed, policy)


def test_the_command_prints_a_table_and_one_document(model_of, tmp_path):
    arguments = ["pendulum_unplugged", "pendulum_swingup", "--policy", str(model_of()), "--plant", "inertia"]
    result = CliRunner().invoke(hil_command.app, [*arguments, "--logs", str(tmp_path / "logs"), "--json"])
    assert result.exit_code == 1  # this policy does not swing up
    document = json.loads(result.stdout)
    assert [(entry["name"], entry["ok"]) for entry in document["scenarios"]] == [
        ("pendulum_unplugged", True),
        ("pendulum_swingup", False),
    ]
    (reason,) = document["reasons"]
    assert reason.startswith("pendulum_swingup: goal not reached: joint pivot within 15 deg of 180 deg")
    assert re.search(r"in that time it was up to [\d.]+ deg away", reason)
    assert len(list((tmp_path / "logs").glob("*.mcap"))) == 2
    table = CliRunner().invoke(hil_command.app, ["pendulum_unplugged", *arguments[2:]])
    assert table.exit_code == 0
    assert "pendulum_unplugged  ok" in table.stdout
