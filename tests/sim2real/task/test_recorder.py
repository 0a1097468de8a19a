"""Laws of one evaluator for all: an episode has the same figures simulated, recorded tick by tick, and from a log."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from worlds import randomized

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.configs.schema.task import TaskConfig
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import contract_of
from sim2real.simulation.simulation import Simulation
from sim2real.task.ground_truth import GroundTruth, PhysicsArrays
from sim2real.task.measured_run import MeasuredRun
from sim2real.task.recorder import EpisodeRecorder
from sim2real.task.requirements import Requirements
from sim2real.task.state import TaskState

REACH = (
    "commands={tip_x: {range: [-1, 1]}, tip_y: {range: [-1, 1]}, tip_z: {range: [-1, 1]}}",
    "goal={kind: tip, distance: 12 mm, hold: 2 s}",
    "rewards=[{term: tip_distance, weight: -2.0, scale: 0.1}, {term: tip_speed, weight: -1.0, scale: 0.5}]",
    "terminations=[]",
)


class Player:
    """One simulated episode, in which a random policy acts."""

    def __init__(self, task: TaskConfig) -> None:
        self.simulation = Simulation(task, randomized(), 1, seed=5, threads=1)
        self.simulation.begin(np.zeros(1, np.intp))
        self.figures: dict[str, float] = {}

    def ticks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield, after each step, the action and the target that were applied in it and the command it saw.

        After the last one there is one more tick, which only reads.
        """
        simulation, random = self.simulation, np.random.default_rng(0)
        by_effort = simulation.task.action.target == "effort"
        pipeline = ActionPipeline(simulation.contract, 1)
        pipeline.reset(position=simulation.state.position)
        ended = np.zeros(0)
        while not len(ended):
            command = simulation.signals.command[0].copy()
            action = random.uniform(-1.0, 1.0, (1, simulation.contract.action_size)).astype(np.float32)
            ended = simulation.step(action)
            targets = pipeline.apply(action)
            target = targets.effort if by_effort else targets.position
            yield pipeline.last_action[0].copy(), target[0].copy(), command
        simulation.finish(ended)
        self.figures = {name: float(values[0]) for name, values in simulation.episodes.drain().items()}
        yield pipeline.last_action[0], target[0], simulation.signals.command[0]


def same(recorded: dict[str, float], simulated: dict[str, float]) -> None:
    assert set(recorded) == set(simulated) - {"diverged"}
    for name, value in recorded.items():
        np.testing.assert_equal(value, simulated[name], err_msg=name)


@pytest.mark.parametrize("name", ["pendulum_swingup", "hopper_hop", "so101_reach", "so101_track", "quadruped_walk"])
def test_an_episode_that_is_recorded_tick_by_tick_has_the_figures_of_the_simulated_one(name: str) -> None:
    task = load_task(name, ("episode_duration=4 s",))
    player = Player(task)
    batch, robot = player.simulation.batch, player.simulation.robot
    arrays = PhysicsArrays(*(batch.bind(field) for field in ("qpos", "qvel", "sensordata", "actuator_force")))
    needs = Requirements.of(task.model_copy(update={"privileged": ()})).needs
    truth = GroundTruth(arrays, robot, task, needs)
    recorder = EpisodeRecorder(task, contract_of(task), truth.state, player.simulation.length_max)
    moves = task.command_source.kind == "tip" and task.command_source.speed is not None
    ids = np.zeros(1, np.intp)
    truth.begin(ids)
    before = player.simulation.signals.command[0].copy()
    for action, target, command in player.ticks():
        # The state was read before the action of the tick was made.
        anew = None if moves else np.array([(command != before).any()])
        recorder.tick(action, target, command, anew)
        before = command
        if not recorder.ended:
            truth.read(recorder.clock)
    assert recorder.ended
    assert player.figures["length"] > 20
    same(recorder.figures(), player.figures)


def run_of(player: Player) -> MeasuredRun:
    """Return what a perfect robot would have logged of an episode."""
    simulation = player.simulation
    read = [(simulation.state.position[0].copy(), simulation.state.velocity[0].copy())]
    rows = []
    for row in player.ticks():
        rows.append(row)
        read.append((simulation.state.position[0].copy(), simulation.state.velocity[0].copy()))
    actions, targets, commands = (np.array(column) for column in zip(*rows, strict=True))
    count, joints = targets.shape
    signals = Signals.zeros(count, joints, 0, commands.shape[1])
    signals.joint_position[:], signals.joint_velocity[:] = (np.array(part)[:count] for part in zip(*read, strict=True))
    signals.command[:] = commands
    return MeasuredRun(signals, actions, targets)


def test_a_log_of_a_simulated_episode_has_its_figures() -> None:
    task = load_task("pendulum_swingup", ("episode_duration=4 s", "reset.position=[170 deg, 190 deg]"))
    player = Player(task)
    run = run_of(player)
    assert player.figures["length"] == 400.0
    same(run.evaluate(task), player.figures)


def test_a_termination_ends_the_episode_of_a_log_with_its_penalty() -> None:
    task = load_task("pendulum_swingup", ("rewards=[{term: alive, weight: 1}]",))
    signals = Signals.zeros(50, 1, 0, 0)
    signals.joint_position[20:] = 10.0  # rad, beyond the limits
    figures = MeasuredRun(signals, np.zeros((50, 1), np.float32), np.zeros((50, 1))).evaluate(task)
    assert figures["length"] == 20.0
    assert figures["terminated"] == 1.0
    assert figures["return"] == pytest.approx(20.0 / task.control_rate - task.termination_penalty)
    assert figures["reward/termination_penalty"] == -task.termination_penalty


def test_a_pendulum_that_stands_still_at_its_goal_earns_the_whole_cosine_and_succeeds() -> None:
    task = load_task("pendulum_swingup", ("rewards=[{term: goal_cosine, weight: 3.0}]", "termination_penalty=0"))
    signals = Signals.zeros(50, 1, 0, 0)
    signals.joint_position[:] = np.pi
    figures = MeasuredRun(signals, np.zeros((50, 1), np.float32), np.zeros((50, 1))).evaluate(task)
    assert figures == pytest.approx(
        {
            "return": 3.0 * 49 / task.control_rate,  # of 50 ticks the first begins the episode
            "reward/goal_cosine": 3.0 * 49 / task.control_rate,
            "length": 49.0,
            "success": 1.0,
            "terminated": 0.0,
            "performance": 1.0,
            "end/position_limits": 0.0,
            "end/diverged": 0.0,
            "end/time_limit": 1.0,
        }
    )


def test_efforts_are_the_commanded_ones_where_the_policy_commands_effort_and_else_the_measured() -> None:
    rewards = "rewards=[{term: effort, weight: -1.0}]", "terminations=[]"
    for name, share in (("pendulum_swingup", 0.25), ("so101_hold", 6 * 0.04)):
        task = load_task(name, rewards)
        limit = np.array([joint.effort_limit for joint in task.robot.joints.values()])
        signals = Signals.zeros(11, len(limit), 0, 0)
        signals.joint_effort[:] = 0.2 * limit
        run = MeasuredRun(signals, np.zeros((11, len(limit)), np.float32), np.tile(0.5 * limit, (11, 1)))
        assert run.evaluate(task)["return"] == pytest.approx(-10.0 * share / task.control_rate)


def test_the_tip_follows_from_the_joint_positions() -> None:
    task = load_task("so101_hold", REACH)
    signals = Signals.zeros(4, 6, 0, 3)
    signals.joint_position[2:, 0] = 0.1  # the pan joint turns once, by a tenth of a radian
    tip = Kinematics(robot_spec(task.robot), 4).tip(signals.joint_position).copy()
    # What a tick asks for is what the state after it is compared with.
    signals.command[:-1] = tip[1:] + np.array([0.03, 0.0, 0.04])
    figures = MeasuredRun(signals, np.zeros((4, 6), np.float32), np.zeros((4, 6))).evaluate(task)
    speed = np.linalg.norm(tip[2] - tip[1]) * task.control_rate
    assert figures["reward/tip_distance"] == pytest.approx(-2.0 * 3 * 0.05 / 0.1 / task.control_rate)
    assert figures["reward/tip_speed"] == pytest.approx(-((speed / 0.5) ** 2) / task.control_rate)


def test_terms_that_no_robot_measures_are_refused_by_name() -> None:
    rewards = "rewards=[{term: alive, weight: 1.0}, {term: base_height, weight: -1.0, scale: 0.2}]"
    task = load_task("quadruped_stand", (rewards, "terminations=[{term: low, limit: 0.1}]"))
    run = MeasuredRun(Signals.zeros(1, 12, 1, 0), np.zeros((1, 12), np.float32), np.zeros((1, 12)))
    with pytest.raises(UserError, match="task 'quadruped_stand': base_height, low cannot be evaluated on a robot"):
        run.evaluate(task)


def test_privileged_terms_do_not_matter_on_a_robot() -> None:
    task = load_task("so101_reach", ("privileged=[tip_offset]",))
    run = MeasuredRun(Signals.zeros(3, 6, 0, 3), np.zeros((3, 6), np.float32), np.zeros((3, 6)))
    assert run.evaluate(task)["length"] == 2.0


def tick(action: list[float], *, reset: bool = False, ran: bool = True) -> dict[str, Any]:
    joints = {name: [0.1] for name in ("position", "velocity", "effort", "target")}
    return {"ran": ran, "reset": reset, "action": action, "clock": [0.0], **joints}


def test_the_actions_of_a_log_are_those_that_the_contract_made_of_them() -> None:
    """A smoothed action is not the policy's: to rate its changes by the policy's own was once the case."""
    task = load_task("pendulum_swingup", ("action.smoothing=0.5",))
    contract = contract_of(task)
    ticks = [
        tick([3.0], reset=True),
        tick([9.0], ran=False),
        tick([-0.5]),
        tick([float("nan")]),
        tick([1.0], reset=True),
    ]
    run = MeasuredRun.of_log(ticks, contract)
    pipeline = ActionPipeline(contract, 1)
    expected = []
    for values in ([3.0], [-0.5]):
        pipeline.apply(np.array([values], np.float32))
        expected.append(pipeline.last_action.copy())
    expected.append(expected[-1])
    pipeline.reset()
    pipeline.apply(np.array([[1.0]], np.float32))
    np.testing.assert_array_equal(run.action, np.concatenate([*expected, pipeline.last_action]))
    assert len(run.target) == len(run.signals.joint_position) == 4


def test_an_episode_that_was_cut_short_did_not_survive_and_one_that_is_over_takes_no_tick() -> None:
    task = load_task("pendulum_swingup")

    def recorded(steps: int) -> EpisodeRecorder:
        recorder = EpisodeRecorder(task, contract_of(task), TaskState.zeros(task, 1, frozenset()), 3)
        for _ in range(steps + 1):
            recorder.tick(np.zeros(1, np.float32), np.zeros(1), np.zeros(0))
        return recorder

    never = EpisodeRecorder(task, contract_of(task), TaskState.zeros(task, 1, frozenset()), 3)
    assert never.figures()["length"] == 0.0
    short, whole = recorded(2).figures(), recorded(3).figures()
    assert (short["length"], short["terminated"], short["success"]) == (2.0, 1.0, 0.0)
    assert (whole["length"], whole["terminated"]) == (3.0, 0.0)
    with pytest.raises(ValueError, match="over"):
        recorded(4)
