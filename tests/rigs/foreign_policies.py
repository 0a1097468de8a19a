"""Policies as other projects export them: their names, their order of joints, their scales; for the tests of import."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sim2real.configs.load import load_robot
from sim2real.runtime.contract.robot import robot_spec

ROBOT = robot_spec(load_robot("quadruped"))
OURS = [joint.name for joint in ROBOT.joints]
LEGS = {"FL": "front_left", "FR": "front_right", "RL": "rear_left", "RR": "rear_right"}
PARTS = {"hip": "roll", "thigh": "pitch", "calf": "knee"}
NAMES = {f"{leg}_{part}_joint": f"{LEGS[leg]}_{PARTS[part]}" for part in PARTS for leg in LEGS}
"""Ours by theirs, in the order of Isaac Lab: all hips, all thighs, all calves."""
THEIRS = list(NAMES)
SCALES = {"base_ang_vel": 0.25, "projected_gravity": 1.0, "velocity_commands": 2.0, "joint_pos_rel": 1.0}
SCALES |= {"joint_vel_rel": 0.05, "last_action": 1.0}
WIDTHS = {"base_ang_vel": 3, "projected_gravity": 3, "velocity_commands": 3} | dict.fromkeys(
    ("joint_pos_rel", "joint_vel_rel", "last_action"), 12
)
OBSERVATIONS = sum(WIDTHS.values())
SIGNS = np.where([name.startswith("FR") for name in THEIRS], -1.0, 1.0)


def of_joints(field: str) -> list[float]:
    """Return a field of every joint in their order."""
    by_name = {joint.name: float(getattr(joint, field)) for joint in ROBOT.joints}
    return [by_name[NAMES[name]] for name in THEIRS]


def write_foreign(path: Path, metadata: dict[str, str] | None = None, observations: int = OBSERVATIONS) -> Path:
    """Write `obs` → `actions`, one hidden layer with ELU, any batch, as rsl_rl exports it."""
    random = np.random.default_rng(7)
    weights = {
        "actor.0.weight": random.normal(0, 0.3, (16, observations)),
        "actor.0.bias": random.normal(0, 0.1, 16),
        "actor.2.weight": random.normal(0, 0.3, (12, 16)),
        "actor.2.bias": random.normal(0, 0.1, 12),
    }
    first, second = (["actor.0.weight", "actor.0.bias"], ["actor.2.weight", "actor.2.bias"])
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["obs", *first], ["h"], transB=1),
            helper.make_node("Elu", ["h"], ["e"]),
            helper.make_node("Gemm", ["e", *second], ["actions"], transB=1),
        ],
        "main_graph",
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, ["batch", observations])],
        [helper.make_tensor_value_info("actions", TensorProto.FLOAT, ["batch", 12])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, str(path))
    return path


def stated(**changes: object) -> dict[str, object]:
    """Return our YAML of it, as plain data."""
    return {
        "task": "foreign_walk",
        "robot": "quadruped",
        "rate": "50 Hz",
        "joints": THEIRS,
        "names": NAMES,
        "default_pose": of_joints("default_position"),
        "stiffness": of_joints("stiffness"),
        "damping": of_joints("damping"),
        "action": {"scale": 0.25},
        "observation": [{"term": name, "scale": scale} for name, scale in SCALES.items()],
        "commands": {
            "forward": {"range": [-1.0, 1.0]},
            "left": {"range": [-0.5, 0.5]},
            "turn": {"range": [-1.0, 1.0]},
        },
    } | changes


def write_stated(path: Path, **changes: object) -> Path:
    """Write our YAML (JSON is YAML), without what is None."""
    path.write_text(json.dumps({key: value for key, value in stated(**changes).items() if value is not None}))
    return path


def golden(model: Path, ticks: int = 6, history: int = 1, by_time: bool = False) -> dict[str, np.ndarray]:
    """Return golden vectors made the way the other project makes them, without anything of ours."""
    import onnxruntime

    random = np.random.default_rng(3)
    session = onnxruntime.InferenceSession(str(model))
    default = np.array(of_joints("default_position"))
    signals = {
        "joint_position": default + random.normal(0, 0.2, (ticks, 12)),
        "joint_velocity": random.normal(0, 2.0, (ticks, 12)),
        "angular_velocity": random.normal(0, 1.0, (ticks, 3)),
        "orientation": random.normal(0, 1.0, (ticks, 4)),
        "command": random.uniform(-0.5, 0.5, (ticks, 3)),
    }
    signals["orientation"] /= np.linalg.norm(signals["orientation"], axis=1, keepdims=True)
    observations, actions, last, past = [], [], np.zeros(12), []
    for tick in range(ticks):
        w, x, y, z = signals["orientation"][tick]
        blocks = [
            signals["angular_velocity"][tick] * 0.25,
            np.array([2 * (w * y - x * z), -2 * (y * z + w * x), 2 * (x * x + y * y) - 1]),
            signals["command"][tick] * 2.0,
            signals["joint_position"][tick] - default,
            signals["joint_velocity"][tick] * 0.05,
            last,
        ]
        past = [*(past or [blocks] * history), blocks][-history:]
        stacks = past if by_time else [[each[number] for each in past] for number in range(len(blocks))]
        seen = np.concatenate([np.concatenate(stack) for stack in stacks])
        observations.append(seen.astype(np.float32))
        last = session.run(None, {"obs": observations[-1][None]})[0][0].astype(float)
        actions.append(last)
    return {"observation": np.array(observations, float), "action": np.array(actions)} | signals


DEPLOY_ORDER = [3, 0, 9, 6, 4, 1, 10, 7, 5, 2, 11, 8]
"""Place in the robot's SDK of each of the policy's joints."""


def deploy_yaml() -> dict[str, object]:
    """Return what Unitree RL Lab writes: gains in the order of the SDK, three significant digits."""
    gains = {}
    for field in ("stiffness", "damping"):
        gains[field] = [0.0] * 12
        for at, value in zip(DEPLOY_ORDER, of_joints(field), strict=True):
            gains[field][at] = float(f"{value:.3g}")
    pose = [float(f"{value:.3g}") for value in of_joints("default_position")]
    action = {"clip": None, "joint_names": [".*"], "scale": [0.25] * 12, "offset": pose, "joint_ids": None}
    ranges = {"lin_vel_x": [-1.0, 1.0], "lin_vel_y": [-0.5, 0.5], "ang_vel_z": [-1.0, 1.0]}
    return gains | {
        "joint_ids_map": DEPLOY_ORDER,
        "step_dt": 0.02,
        "default_joint_pos": pose,
        "commands": {"base_velocity": {"ranges": ranges}},
        "actions": {"JointPositionAction": action},
        "observations": {
            name: {"params": {}, "clip": None, "scale": [scale] * WIDTHS[name], "history_length": 1}
            for name, scale in SCALES.items()
        },
    }


def mjlab_metadata() -> dict[str, str]:
    """Return what mjlab writes into the file: three decimals, and nothing of scales and rate."""

    def numbers(values: list[float]) -> str:
        return ",".join(f"{value:.3f}" for value in values)

    return {
        "run_path": "somewhere",
        "joint_names": ",".join(THEIRS),
        "joint_stiffness": numbers(of_joints("stiffness")),
        "joint_damping": numbers(of_joints("damping")),
        "default_joint_pos": numbers(of_joints("default_position")),
        "command_names": "twist",
        "observation_names": "base_ang_vel,projected_gravity,command,joint_pos,joint_vel,actions",
        "action_scale": numbers([0.25] * 12),
    }
