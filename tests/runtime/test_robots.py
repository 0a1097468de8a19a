"""Laws of the shipped robots: each holds its default pose under a policy that does nothing."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

from sim2real.configs.load import load_robot, load_scenario, load_task
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import JointState
from sim2real.runtime.commands import run as run_command
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.controller import Controller
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.hil.scenario_run import run_scenario
from sim2real.runtime.log import read_log
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import WITH_TORQUE

TRIES = 3
SECONDS = 10.0
TASKS = ["so101_hold", "quadruped_stand", "hopper_hold"]


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> TaskConfig:
    return load_task(request.param)


def idle_model(task: TaskConfig, path: Path) -> Path:
    """Write a policy whose action is always 0: the default pose."""
    contract = contract_of(task)
    helper = onnx.helper
    observations, actions = contract.observation_size, contract.action_size
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["observation", "w"], ["action"])],
        "idle",
        [helper.make_tensor_value_info("observation", onnx.TensorProto.FLOAT, [1, observations])],
        [helper.make_tensor_value_info("action", onnx.TensorProto.FLOAT, [1, actions])],
        [onnx.numpy_helper.from_array(np.zeros((observations, actions), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, to_metadata(contract, {"task": contract.task}))
    path.write_bytes(model.SerializeToString())
    return path


def test_a_robot_holds_its_default_pose_without_a_fault(task, tmp_path):
    world = lockstep(task.robot, plant="mujoco")
    policy = OnnxPolicy(idle_model(task, tmp_path / "idle.onnx"))
    report = run_session(policy, task.robot, world.hardware, world.clock, RunOptions(duration=3.0))
    assert report.ok, report.reasons
    assert report.goal_reached
    assert not report.interventions
    goal = [joint.default_position for joint in task.robot.joints.values()]
    held = [joint["position"] for joint in world.emulated.snapshot()["joints"].values()]
    assert held == pytest.approx(goal, abs=np.radians(8.0))


@pytest.mark.parametrize("name", ["so101", "quadruped", "hopper_leg"])
def test_a_robot_that_lies_limp_is_within_its_limits(name):
    """The runtime must be able to pick it up: stops of the model are inside limits and margin of the robot."""
    robot = load_robot(name)
    world = lockstep(robot, plant="mujoco")
    state = JointState.empty(len(robot.joints))
    world.hardware.open()
    world.clock.sleep_until_ns(world.clock.now_ns() + 3 * 10**9)
    world.hardware.read(state)
    margin = robot.safety.position_margin
    for joint, position in zip(robot.joints.values(), state.position, strict=True):
        low, high = joint.position_limits
        assert low - margin <= position <= high + margin


@pytest.mark.realtime
def test_a_robot_runs_over_its_ports(task, tmp_path):
    model = idle_model(task, tmp_path / "idle.onnx")
    arguments = [str(model), "--robot", task.robot.name, "--emulate", "--duration", "1", "--json"]
    for _ in range(TRIES):  # a machine that is busy elsewhere may keep the emulator from answering in time
        document = json.loads(CliRunner().invoke(run_command.app, arguments).stdout)
        if document["ok"]:
            break
    assert document["ok"], document["reasons"]
    assert document["mode"] == "emulated"


def lively_model(task: TaskConfig, path: Path) -> Path:
    """Write a policy that drives every joint back and forth: a tanh of a random mixture of what it sees."""
    contract = contract_of(task)
    helper = onnx.helper
    shape = (contract.observation_size, contract.action_size)
    weights = np.random.default_rng(1).normal(0.0, 2.0, shape).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["observation", "w"], ["linear"]),
            helper.make_node("Tanh", ["linear"], ["action"]),
        ],
        "lively",
        [helper.make_tensor_value_info("observation", onnx.TensorProto.FLOAT, [1, shape[0]])],
        [helper.make_tensor_value_info("action", onnx.TensorProto.FLOAT, [1, shape[1]])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, to_metadata(contract, {"task": contract.task}))
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pendulum_swingup", *TASKS])
def test_no_command_leaves_the_envelope_while_replies_are_lost(name, tmp_path):
    task = load_task(name)
    entries = ({"kind": "lose_reply", "probability": 0.05}, {"kind": "corrupt_reply", "probability": 0.02})
    faults = TypeAdapter(FaultsConfig).validate_python({"name": "lossy", "seed": 1, "faults": list(entries)})
    joints = list(task.robot.joints.values())
    low, high = np.array([joint.position_limits for joint in joints]).T
    margin = task.robot.safety.position_margin
    effort, stiffness, damping, speed = np.array(
        [[joint.effort_limit, joint.stiffness, joint.damping, joint.velocity_limit] for joint in joints]
    ).T
    period = 1.0 / task.control_rate
    before: list[np.ndarray] = []
    ticks = 0

    def look(controller: Controller) -> None:
        nonlocal ticks
        if controller.state not in WITH_TORQUE:
            return
        ticks += 1
        command = controller.record.command
        assert (np.abs(command.effort) <= effort + 1e-9).all()
        assert (np.abs(command.velocity) <= speed + 1e-9).all()
        assert ((command.stiffness >= 0.0) & (command.stiffness <= stiffness)).all()
        assert ((command.damping >= 0.0) & (command.damping <= damping)).all()
        if joints[0].mode != "current":
            assert ((command.position >= low - margin) & (command.position <= high + margin)).all()
            if before:
                assert (np.abs(command.position - before[-1]) <= speed * period * 1.001).all()
            before[:] = [command.position.copy()]

    world = lockstep(task.robot, plant="inertia", faults=faults)
    policy = OnnxPolicy(lively_model(task, tmp_path / "lively.onnx"))
    run_session(policy, task.robot, world.hardware, world.clock, RunOptions(duration=SECONDS, on_tick=look))
    assert ticks > 0.5 * SECONDS * task.control_rate
    assert world.emulated.faults.injected["lose_reply"] > 20


def test_a_scenario_asks_in_its_time_and_the_rest_stays(tmp_path):
    timeline = "[{values: {height: 0.2}}, {at: 500 ms, values: {height: 0.1}}]"
    scenario = load_scenario("hopper_hop", ("duration=1 s", f"commands={timeline}"))
    log = tmp_path / "run.mcap"
    result = run_scenario(scenario, idle_model(scenario.task, tmp_path / "idle.onnx"), plant="mujoco", log=log)
    assert result.ok, result.failures
    ticks = [tick for tick in read_log(log).ticks if tick["state"] == "RUNNING"]
    seconds = [(tick["time_ns"] - ticks[0]["time_ns"]) * 1e-9 for tick in ticks]
    period = 1.0 / scenario.task.control_rate
    for time, tick in zip(seconds, ticks, strict=True):
        if not abs(time - 0.5) <= 1.5 * period:
            assert tick["asked"] == [0.2 if time < 0.5 else 0.1, 0.0]
    assert ticks[0]["asked"] == [0.2, 0.0]
