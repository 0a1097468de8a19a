"""Makes the first task of a robot, with its randomisation and its experiment, that train as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import mujoco
import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.ground import ground_height
from sim2real.model.model import load_spec
from sim2real.new_robot.workspace import workspace
from sim2real.plant import MujocoPlant
from sim2real.simulation.first_moments import holding_task, start_of

TaskKind = Literal["reach", "track", "pose", "walk", "stand", "balance"]
KINDS: Final[tuple[str, ...]] = get_args(TaskKind)
_TIP: Final = ("reach", "track")
_STEPS_MS: Final = (5, 4, 2, 1)
"""Physics steps that divide a control period of 20 ms."""
_UNSAID_MS: Final = 2.0  # MuJoCo's default, which models that say nothing of it have
_LEGS_MS: Final = 5.0  # as the shipped quadruped, MuJoCo Playground (4 ms) and mjlab (5 ms) step robots with legs
_PULL: Final = 9.81  # m/s²
_NEAR: Final = ((2.0, 0.05), (2.0, 0.01), (3.0, 0.003))
"""Weights and scales, m, of the rewards for a tip near its target: the coarse one is felt from afar."""
_FREE_TIP: Final = 3  # joints with which a tip moves in space, not along a line or on a surface
_TURN: Final = 0.8  # rad, that commands of a pose ask of a joint, either way from its start
_STEPS: Final = {
    "reach": 2_300_000,
    "track": 3_000_000,
    "pose": 1_000_000,
    "walk": 4_000_000,
    "stand": 600_000,
    "balance": 1_500_000,
}


@dataclass(frozen=True)
class NewTask:
    """Texts of three files that load together."""

    name: str
    texts: dict[str, str]
    """Text of each file by its name: task, randomisation, experiment."""

    @property
    def experiment(self) -> str:
        """Name of the experiment's file."""
        return f"{self.name}_ppo.yaml"


@dataclass(frozen=True)
class _Robot:
    """What the texts need to know of a robot."""

    config: RobotConfig
    reference: str
    """Robot, as the task names it."""
    height: float
    """Of the base above the ground in the start pose, m; 0 for a fixed base."""
    timestep: int
    """ms"""
    plant: MujocoPlant
    """Its mechanics, in the start pose."""

    @property
    def speed(self) -> float:
        """Of a slow walk, m/s: Froude number 0.1, v²/(g·h)."""
        return round(float(np.sqrt(0.1 * _PULL * self.height)), 2)

    @property
    def walks_by_gait(self) -> bool:
        """Whether it has feet that can step in turn."""
        return len(self.config.feet) >= 2

    @property
    def by_effort(self) -> bool:
        """Whether its motors are driven by effort."""
        return all(joint.mode == "current" for joint in self.config.joints.values())


def new_task(robot: str, reference: str, kind: str) -> NewTask:
    """Return the first task of a kind for a robot; writes no file.

    Args:
        robot: The robot: a shipped name or a YAML file.
        reference: The same, as the task's file is to name it.
        kind: One of `KINDS`.

    Raises:
        ConfigError: The robot lacks what the kind needs; the message says what.
        UserError: The robot's model does not fit.
    """
    if kind not in KINDS:
        raise ConfigError(f"--kind: {kind!r}; valid: {', '.join(KINDS)}")
    config = load_robot(robot)
    plant = MujocoPlant(config)
    missing = _missing(config, kind, floats=plant.start.base is not None)
    if missing:
        raise ConfigError(f"{robot}: a task of kind {kind} needs {missing}")
    height = 0.0
    if plant.start.base is not None:
        height = plant.start.height - (ground_height(plant.model, plant.data, plant.start.base.body) or 0.0)
    own_ms = _timestep_ms(config)
    if kind not in (*_TIP, "pose") and abs(own_ms - _UNSAID_MS) < 1e-9:
        own_ms = _LEGS_MS
    timestep = _calm_step_ms(config, own_ms)
    made = _Robot(config, reference, height, timestep, plant)
    name = f"{config.name}_{kind}"[:64]
    blocks = {
        f"{name}.yaml": _task(made, name, kind),
        f"{name}_world.yaml": _world(made, name),
        f"{name}_ppo.yaml": _experiment(name, kind),
    }
    return NewTask(name, {file: "\n".join(lines) + "\n" for file, lines in blocks.items()})


def fitting_kind(robot: RobotConfig) -> TaskKind:
    """Return the kind of task that every robot of this sort can do.

    That is walk with a free base, reach with a tip that at least three joints move, and pose else.
    """
    if robot.imus:
        return "walk"
    by_effort = any(joint.mode == "current" for joint in robot.joints.values())
    free = robot.tip is not None and len(robot.tip.links) >= _FREE_TIP
    return "reach" if free and not by_effort else "pose"


def _task(robot: _Robot, name: str, kind: str) -> Iterator[str]:
    if kind in _TIP:
        return _reach(robot, name, kind)
    return _pose(robot, name) if kind == "pose" else _upright(robot, name, kind)


def _timestep_ms(robot: RobotConfig) -> float:
    """Return the physics step that a robot's model asks for, ms."""
    return float(load_spec(robot).option.timestep) * 1e3


def _calm_step_ms(robot: RobotConfig, wanted: float) -> int:
    """Return the largest physics step up to the wanted one, ms, with which the robot starts as with the smallest."""
    *steps, smallest = [step for step in _STEPS_MS if step <= wanted + 1e-9] or [_STEPS_MS[-1]]
    exact = start_of(holding_task(robot, f"{smallest} ms"))
    for step in steps:
        start = start_of(holding_task(robot, f"{step} ms"))
        calm = start.linear <= 1.5 * exact.linear + 0.05 and start.angular <= 1.5 * exact.angular + 0.5
        if calm and not start.diverged:
            return step
    return smallest


def _missing(robot: RobotConfig, kind: str, *, floats: bool) -> str:
    modes = {joint.mode == "current" for joint in robot.joints.values()}
    if len(modes) > 1:
        return "all joints in mode current, or none"
    if kind in _TIP:
        if True in modes:
            return "joints in mode position or impedance"
        return "" if robot.tip is not None else "`tip`, the kinematics of the robot's tip, in its YAML"
    if kind == "pose":
        return ""
    if not floats:
        return "a robot whose base floats"
    return "" if robot.imus else "an IMU in the robot's YAML"


def _head(robot: _Robot, name: str, said: str, seconds: float) -> Iterator[str]:
    yield f"# Draft made by `sim2real new task {robot.reference}`; it trains as it is."
    yield f"name: {name}"
    yield f"description: {said}"
    yield f"robot: {robot.reference}"
    yield "control_rate: 50 Hz"
    yield f"episode_duration: {seconds:g} s"
    yield f"physics: {{timestep: {robot.timestep} ms}} # check: smaller if contacts or light links shake"


def _upright(robot: _Robot, name: str, kind: str) -> Iterator[str]:
    """Yield a task of a floating base: walk at a commanded velocity, stand, or balance when pushed."""
    speed = robot.speed
    said = {
        "walk": "Walk at a commanded velocity and yaw rate.",
        "stand": "Stand still in the start pose.",
        "balance": "Stay upright when pushed.",
    }[kind]
    yield from _head(robot, name, said, 10.0)
    if kind == "walk":
        yield "phase_frequency: 2 Hz # a step with each foot"
        yield "commands: # m/s forward, m/s to the left, rad/s to the left"
        yield f"  forward: {{range: [{-speed:g}, {speed:g}]}}"
        yield f"  left: {{range: [{-speed / 2:g}, {speed / 2:g}]}}"
        yield "  turn: {range: [-0.8, 0.8]}"
        yield "command_source: {kind: uniform, hold: [3 s, 8 s], zero_share: 0.1}"
        yield from _gait(robot)
    yield "observation:"
    yield "  - {term: gyro, scale: 0.5}"
    yield "  - {term: projected_gravity}"
    yield from ("  - {term: command, scale: 2.0}",) if kind == "walk" else ()
    yield "  - {term: joint_position}"
    yield "  - {term: joint_velocity, scale: 0.2}"
    yield "  - {term: last_action}"
    yield from ("  - {term: phase}",) if kind == "walk" else ()
    feet = "feet, " if kind == "walk" and robot.walks_by_gait else ""
    yield f"privileged: [base_velocity, base_height, {feet}parameters{', disturbance' if kind != 'stand' else ''}]"
    yield "action: {target: effort}" if robot.by_effort else "action: {target: position, scale: 0.5 rad}"
    yield "reset: {around: default, position: [-5 deg, 5 deg], velocity: [0 rad/s, 0 rad/s], start_pose_share: 0.2}"
    yield "rewards:"
    yield from _upright_rewards(robot, kind)
    if kind == "walk":
        yield "reward_min: -2.5"
        yield "performance: {term: velocity_tracking, scale: 0.2}"
        yield "metrics: [velocity_error]"
    yield "terminations:"
    yield "  - {term: tilted, limit: 1.0} # rad"
    yield f"  - {{term: low, limit: {0.5 * robot.height:.3g}}} # m: half of the height in the start pose"
    yield "termination_penalty: 1.0"
    yield "goal: {kind: upright, tolerance: 45 deg, hold: 10 s}"


def _gait(robot: _Robot) -> Iterator[str]:
    if not robot.walks_by_gait:
        return
    yield "gait:"
    yield f"  lift: {max(10, round(120 * robot.height))} mm"
    given = ", ".join(f"{foot}: {offset:g}" for foot, offset in zip(robot.config.feet, _offsets(robot), strict=True))
    yield f"  offsets: {{{given}}} # check: which feet step together"


def _offsets(robot: _Robot) -> list[float]:
    """Return the share of a cycle by which each foot is late: neighbours around the robot step in turn."""
    plant = robot.plant
    model, feet = plant.model, robot.config.feet
    data = mujoco.MjData(model)
    data.qpos[:] = plant.start.qpos
    mujoco.mj_kinematics(model, data)
    places = np.array([data.geom(robot.config.in_model(foot)).xpos[:2] for foot in feet])
    away = places - places.mean(axis=0)
    angles = np.round(np.arctan2(away[:, 1], away[:, 0]), 6) % (2.0 * np.pi)
    order = np.argsort(np.argsort(angles, kind="stable"), kind="stable")
    if len(feet) % 2 == 0:
        first = order[0] % 2
        return [0.5 * float((place + first) % 2) for place in order]
    return [round(float(place) / len(feet), 4) for place in order]


def _upright_rewards(robot: _Robot, kind: str) -> Iterator[str]:
    if kind == "walk":
        yield f"  - {{term: velocity_tracking, weight: 10.0, scale: {0.25 * robot.speed:.2g}}}"
        yield f"  - {{term: velocity_tracking, weight: 3.0, scale: {0.75 * robot.speed:.2g}}}"
        yield "  - {term: yaw_rate_tracking, weight: 6.0, scale: 0.25}"
        if robot.walks_by_gait:
            lift = 0.12 * robot.height
            yield f"  - {{term: gait_tracking, weight: 5.0, scale: {lift / 2:.2g}}}"
            yield f"  - {{term: gait_tracking, weight: 5.0, scale: {lift * 1.3:.2g}}}"
            yield "  - {term: foot_slip, weight: -0.25}"
    yield "  - {term: alive, weight: 1.0}"
    yield f"  - {{term: upright, weight: {-10.0 if kind == 'walk' else -4.0}}}"
    yield f"  - {{term: base_height, weight: -100.0, scale: {robot.height:.3g}}} # of the start pose"
    yield "  - {term: vertical_velocity, weight: -2.0}"
    yield "  - {term: roll_pitch_rate, weight: -0.1}"
    yield "  - {term: action_rate, weight: -0.15}"
    yield "  - {term: effort, weight: -0.1}"
    deviation = {"walk": -0.25, "stand": -1.0, "balance": -0.1}[kind]
    yield f"  - {{term: pose_deviation, weight: {deviation}}}"
    if kind == "stand":
        yield "  - {term: joint_velocity, weight: -0.02}"


def _reach(robot: _Robot, name: str, kind: str) -> Iterator[str]:
    """Yield a task of an arm: bring the tip to a commanded position, or follow a moving one."""
    low, high, middle = workspace(robot.config, robot.plant)
    moving = kind == "track"
    yield from _head(
        robot, name, "Follow a moving target with the tip." if moving else "Move the tip to a commanded position.", 6.0
    )
    yield "commands: # m, in the frame of the base: a box in which the tip gets everywhere"
    # Outwards to whole millimetres: an axis along which the tip does not move keeps its place inside.
    low, high = np.floor(low * 1e3) * 1e-3, np.ceil(high * 1e3) * 1e-3
    for axis, first, last, default in zip("xyz", low, high, middle, strict=True):
        yield f"  tip_{axis}: {{range: [{first:.3f}, {last:.3f}], default: {default:.3f}}}"
    yield f"command_source: {{kind: tip, {'speed: [0 m/s, 0.1 m/s]' if moving else 'hold: [3 s, 3 s]'}}}"
    yield "observation:"
    yield "  - {term: tip_error, scale: 20.0, clip: 1.0, history: 2} # up to 50 mm"
    yield "  - {term: tip_error, scale: 100.0, clip: 1.0, history: 2} # the last 10 mm"
    yield "  - {term: command, scale: 4.0}"
    yield "  - {term: joint_position}"
    yield "  - {term: joint_velocity, scale: 0.3}"
    yield "  - {term: joint_position_error, scale: 10.0}"
    yield "  - {term: last_action, history: 4}"
    yield "privileged: [tip_offset, joint_state, parameters]"
    yield "action: {target: position, relative: true, scale: 2 deg} # actions are speeds"
    yield "reset: {around: default, position: [-25 deg, 25 deg], velocity: [0 rad/s, 0 rad/s], start_pose_share: 0.2}"
    yield "rewards:"
    yield from (f"  - {{term: tip_near, weight: {weight}, scale: {scale}}}" for weight, scale in _NEAR)
    yield "  - {term: tip_distance, weight: -2.0}"
    yield "  - {term: joint_velocity, weight: -0.02}"
    yield "  - {term: action_rate, weight: -0.5}"
    yield "  - {term: pose_deviation, weight: -0.005}"
    yield "performance: {term: tip_near, scale: 0.02}"
    yield "metrics: [tip_error]"
    yield f"goal: {{kind: tip, distance: {25 if moving else 12} mm, hold: 1 s}}"


def _pose(robot: _Robot, name: str) -> Iterator[str]:
    """Yield a task of any robot: move every joint to a commanded position."""
    yield from _head(robot, name, "Move the joints to commanded positions.", 6.0)
    yield "commands: # rad, of each joint's motor: around the start pose, within the limits"
    for joint, config in robot.config.joints.items():
        low, high = config.position_limits
        middle = config.default_position
        first, last = _inwards(max(low, middle - _TURN), up=True), _inwards(min(high, middle + _TURN), up=False)
        yield f"  {joint}: {{range: [{first:.6g}, {last:.6g}], default: {np.clip(middle, first, last):.6g}}}"
    yield "command_source: {kind: uniform, hold: [2 s, 4 s]}"
    yield "observation:"
    yield "  - {term: command}"
    yield "  - {term: joint_position}"
    yield "  - {term: joint_velocity, scale: 0.3}"
    yield "  - {term: last_action}"
    yield "privileged: [joint_state, parameters]"
    yield (
        "action: {target: effort}" if robot.by_effort else f"action: {{target: position, scale: {1.25 * _TURN:g} rad}}"
    )
    yield "reset: {around: default, position: [-10 deg, 10 deg], velocity: [0 rad/s, 0 rad/s], start_pose_share: 0.2}"
    yield "rewards:"
    yield "  - {term: pose_tracking, weight: 2.0, scale: 0.3}"
    yield "  - {term: pose_tracking, weight: 3.0, scale: 0.05}"
    yield f"  - {{term: joint_velocity, weight: {-0.02 / len(robot.config.joints):.2g}}}"
    yield f"  - {{term: action_rate, weight: {-0.3 / len(robot.config.joints):.2g}}}"
    yield "performance: {term: pose_tracking, scale: 0.1}"
    yield "metrics: [pose_error]"
    yield "goal: {kind: finish}"


def _inwards(angle: float, *, up: bool) -> float:
    """Return a limit rounded to 0.1 mrad, inwards."""
    steps = angle * 1e4
    return float(np.ceil(steps) if up else np.floor(steps)) * 1e-4


def _world(robot: _Robot, name: str) -> Iterator[str]:
    yield "# Draft: how far the real robot may differ from its YAML. Widen what you have not measured."
    yield f"name: {name}_world"
    yield "parameters:"
    yield "  - {parameter: body_mass, range: [0.9, 1.1], limits: [0.6, 1.5]}"
    yield "  - {parameter: torque_limit, range: [0.85, 1.1], limits: [0.6, 1.2]}"
    yield "  - {parameter: joint_friction, range: [0.6, 1.4], limits: [0.2, 2.0]}"
    yield "  - {parameter: joint_offset, range: [-1 deg, 1 deg], limits: [-3 deg, 3 deg]}"
    if not robot.by_effort:
        yield "  - {parameter: controller_stiffness, range: [0.8, 1.2], limits: [0.4, 2.2]}"
    yield "  - {parameter: action_latency, range: [10 ms, 30 ms], limits: [5 ms, 65 ms], calibrated: 20 ms}"
    yield "  - {parameter: joint_latency, range: [5 ms, 15 ms], limits: [5 ms, 30 ms], calibrated: 10 ms}"
    yield "  - {parameter: joint_position_white, range: [5 mrad, 5 mrad]}"
    yield "  - {parameter: joint_velocity_white, range: [0.1 rad/s, 0.1 rad/s]}"
    if robot.height > 0.0:
        friction = "shared: true, apply: set, range: [0.5, 1.2], limits: [0.2, 1.5], calibrated: 0.8"
        yield f"  - {{parameter: ground_friction, {friction}}}"
        yield "  - {parameter: imu_latency, range: [5 ms, 15 ms], limits: [5 ms, 30 ms], calibrated: 10 ms}"
        yield "  - {parameter: angular_velocity_white, range: [0.1 rad/s, 0.1 rad/s]}"
        yield "  - {parameter: orientation_bias, range: [1 deg, 1 deg]}"
        if not name.endswith("_stand"):
            yield "  - {parameter: push_speed, range: [0 m/s, 0.3 m/s], limits: [0 m/s, 1 m/s]}"
            yield "  - {parameter: push_interval, range: [4 s, 10 s]}"


def _experiment(name: str, kind: str) -> Iterator[str]:
    yield f"name: {name}_ppo"
    yield "description: PPO with the settings of the shipped experiments."
    yield f"task: ./{name}.yaml"
    yield f"randomization: ./{name}_world.yaml"
    yield "algorithm:"
    yield "  name: ppo"
    yield "  rollout_steps: 24"
    yield "  epochs: 5"
    yield "  minibatches: 4"
    yield "  discount: 0.97"
    yield f"  entropy_weight: {0.0 if kind in _TIP else 0.005}"
    yield "  initial_std: 0.5"
    yield f"  final_std: {0.05 if kind in _TIP else 0.2}"
    yield "  target_kl: 0.02"
    yield "  hidden: [128, 128]"
    yield "  activation: elu"
    yield "environments: 256"
    yield f"steps: {_STEPS[kind]}"
    yield "seed: 0"


def write_all(made: NewTask, folder: Path) -> tuple[Path, ...]:
    """Write the files; all that were written go again if one cannot be.

    Raises:
        OSError: A file cannot be written.
    """
    written: list[Path] = []
    try:
        for name, text in made.texts.items():
            path = folder / name
            path.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return tuple(written)
