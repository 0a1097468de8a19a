"""Laws of the fault campaign: every case at every moment, the same each time, and mutants of the runtime are caught."""

import signal
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco")

from sim2real.benchmark import fault_run as module
from sim2real.benchmark.fault_cases import CASES, cases_for
from sim2real.benchmark.fault_moments import MOMENTS, nominal
from sim2real.benchmark.fault_policy import BrokenPolicy
from sim2real.benchmark.fault_run import run_fault_scenario
from sim2real.benchmark.fault_scenarios import ROBOTS, scenario_ids, scenario_of
from sim2real.benchmark.fault_table import kind_of, problem_counts, table, text_of
from sim2real.benchmark.fault_world import FaultWorld
from sim2real.benchmark.faults import bench_faults, installed_plants, run_one
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand
from sim2real.runtime.goal_watch import GoalWatch
from sim2real.runtime.session import run_session

PLANTS = ("inertia", "mujoco")


def test_the_default_campaign_has_every_case_at_every_moment_on_every_robot():
    ids = scenario_ids(ROBOTS, 3600, 0)
    assert len(ids) == len(set(ids)) == 3600
    found = set(ids)
    for robot in ROBOTS:
        for case in cases_for(load_robot(robot)):
            assert {f"{robot}/{case.name}/{moment}/0" for moment in MOMENTS} <= found
    assert sum("+" in name for name in ids) > 300


def test_every_fault_of_the_emulator_is_a_case():
    from typing import get_args

    from sim2real.configs.schema.fault import FaultConfig

    kinds = {
        kind
        for config in get_args(get_args(FaultConfig)[0])
        for kind in get_args(config.model_fields["kind"].annotation)
    }
    used = set()
    for robot in ROBOTS:
        config = load_robot(robot)
        for case in cases_for(config):
            used.add(case.make(config, np.random.default_rng(0)).get("kind"))
    assert kinds <= used


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_scenario_follows_from_its_id_and_seed(robot):
    for name in scenario_ids([robot], 12, 5):
        once, again, other = (scenario_of(name, seed, PLANTS) for seed in (5, 5, 6))
        assert once.faults == again.faults
        assert once == again
        assert (once.strikes, once.seed) != (other.strikes, other.seed)
        assert once.plant in PLANTS


@pytest.mark.parametrize("robot", ROBOTS)
def test_moments_come_one_after_the_other(robot):
    times = nominal(robot, "inertia")
    assert 0.0 < times.opened < times.torque <= times.enabled < times.running < times.stop


def test_a_run_is_the_same_each_time():
    name = "so101/silent/early/0"
    once, again = (run_one(name, 0, PLANTS) for _ in range(2))
    assert once.timeline == again.timeline
    assert once == again
    assert once.ended == "FAULT"
    assert 0.2 < once.safe_s < 0.5


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("so101", "valid: ROBOT/CASE/MOMENT/NUMBER"),
        ("rover/silent/early/0", "no robot 'rover'; valid: pendulum"),
        ("so101/loud/early/0", "no case 'loud'; valid: lose_reply"),
        ("so101/silent/never/0", "no moment 'never'; valid: connecting"),
        ("so101/imu_nan/early/0", "so101 has no IMU"),
    ],
)
def test_an_id_that_means_nothing_is_refused(name, said):
    with pytest.raises(UserError, match=said):
        scenario_of(name, 0, PLANTS)


def test_an_unknown_robot_is_refused():
    with pytest.raises(UserError, match="no shipped policy for robot 'rover'"):
        bench_faults(["rover"], 10, 0)


def test_two_cases_that_hide_each_other_are_no_pair():
    pairs = [name.split("/")[1].split("+") for name in scenario_ids(ROBOTS, 3600, 0) if "+" in name]
    cases = [(CASES[first], CASES[second]) for first, second in pairs]
    assert not any(first.needs_imu and second.needs_imu for first, second in cases)
    assert not any(first.kind == second.kind == "policy" for first, second in cases)


def test_a_scenario_stops_where_the_duration_or_the_request_ends_it():
    stopped = scenario_of("pendulum/duplicate_reply/stopping/0", 0, PLANTS)
    assert stopped.stop_s is not None
    assert "asked to stop" in " ".join(run_fault_scenario(stopped).timeline)
    assert scenario_of("pendulum/duplicate_reply/late/0", 0, PLANTS).stop_s is None


def broken(monkeypatch: pytest.MonkeyPatch, name: str, change) -> set[str]:
    """Run a scenario with every command changed on its way from the limits to the drivers; return what is found."""
    write = RobotHardware.write

    def changed(self: RobotHardware, command: JointCommand) -> None:
        mutant = JointCommand(*(values.copy() for values in _values(command)))
        change(mutant)
        write(self, mutant)

    monkeypatch.setattr(RobotHardware, "write", changed)
    return {kind_of(problem) for problem in run_one(name, 0, ("inertia",)).problems}


def _values(command: JointCommand) -> list[np.ndarray]:
    return [command.position, command.velocity, command.effort, command.stiffness, command.damping]


def test_a_runtime_that_lets_a_goal_pass_its_limit_is_caught(monkeypatch):
    def past(command: JointCommand) -> None:
        command.position[:] = 1.05 * load_robot("so101").joints["gripper"].position_limits[1]

    assert "position" in broken(monkeypatch, "so101/duplicate_reply/early/0", past)


def test_a_runtime_that_stretches_the_effort_is_caught(monkeypatch):
    def strong(command: JointCommand) -> None:
        command.effort[:] = 8.2

    assert "effort" in broken(monkeypatch, "hopper_leg/duplicate_reply/early/0", strong)


def test_a_runtime_that_stretches_the_gains_is_caught(monkeypatch):
    def stiff(command: JointCommand) -> None:
        command.stiffness *= 1.1

    assert "gain" in broken(monkeypatch, "hopper_leg/duplicate_reply/early/0", stiff)


def test_a_runtime_that_forgets_torque_is_caught(monkeypatch):
    monkeypatch.setattr(RobotHardware, "disable", lambda self: None)
    monkeypatch.setattr(RobotHardware, "close", lambda self: None)
    found = {kind_of(problem) for problem in run_one("quadruped/duplicate_reply/stopping/0", 0, ("inertia",)).problems}
    assert "ok, but torque is on" in found


def test_a_runtime_that_raises_is_caught(monkeypatch):
    def fail(self: GoalWatch, *_: object) -> None:
        raise ZeroDivisionError("a mutant")

    run_one("pendulum/duplicate_reply/early/0", 0, ("inertia",))  # the times of a run without faults are kept
    monkeypatch.setattr(GoalWatch, "__init__", fail)  # what a tick raises is a fault, and no mutant
    result = run_one("pendulum/duplicate_reply/early/0", 0, ("inertia",))
    assert result.ended == "raised"
    assert [kind_of(problem) for problem in result.problems] == ["traceback"]


def test_the_table_counts_every_scenario_and_has_the_worst_time():
    names = ["so101/silent/early/0", "so101/silent/late/0", "so101/duplicate_reply/late/0"]
    results = [run_one(name, 0, PLANTS) for name in names]
    rows = {row["case"]: row for row in table(results)}
    assert rows["silent"]["scenarios"] == rows["silent"]["latched"] == 2
    assert rows["silent"]["safe_s_max"] == max(result.safe_s for result in results[:2])
    assert rows["duplicate_reply"]["running"] == 1
    assert rows["duplicate_reply"]["safe_s_max"] is None
    lines = text_of(list(rows.values())).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 3


def test_problems_are_counted_by_their_kind():
    class Result:
        def __init__(self, *problems: str) -> None:
            self.problems = problems

    found = problem_counts(
        [Result("1.250 s position: gripper: goal 2 rad", "1.3 s position: gripper: goal 3 rad"), Result()]
    )
    assert found == {"position": 1}
    assert Counter(found).total() == 1


def one_of_each_case() -> list[str]:
    """Every case once; moments and robots in turn."""
    names = []
    for index, case in enumerate(CASES.values()):
        robot = "quadruped" if case.needs_imu else ROBOTS[index % len(ROBOTS)]
        moment = MOMENTS[(index // len(ROBOTS) + index) % len(MOMENTS)]
        names.append(f"{robot}/{case.name}/{moment}/{index % 3}")
    return names


@pytest.mark.slow
@pytest.mark.parametrize("name", one_of_each_case())
def test_the_robot_is_kept_safe(name):
    result = run_one(name, 0, PLANTS)
    assert result.problems == (), "\n".join(result.timeline)


def test_cases_name_themselves():
    assert all(name == case.name for name, case in CASES.items())
    assert installed_plants() == PLANTS


def test_a_policy_with_memory_that_is_broken_forgets_like_a_whole_one():
    class Remembering:
        contract = provenance = digest = None
        resets = 0

        def act(self, observation):
            return observation

        def reset(self):
            self.resets += 1

    whole = Remembering()
    BrokenPolicy(whole, FaultWorld(load_robot("pendulum"), "inertia"), {"kind": "nan", "value": 0.0}, 0.0, None).reset()
    assert whole.resets == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_from_outside_ends_the_campaign_and_is_no_result(number, monkeypatch):
    # The run took it, the scenario counted as one, wrong, and the campaign went on.
    def interrupted(policy, robot, hardware, clock, options):
        options = replace(options, on_tick=lambda controller: signal.raise_signal(number))
        return run_session(policy, robot, hardware, clock, options)

    monkeypatch.setattr(module, "run_session", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_one("pendulum/silent/early/0", 0, ("inertia",))
