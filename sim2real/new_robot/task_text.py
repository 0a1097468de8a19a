"""Makes the first task of a robot, with its randomisation and its experiment, that train as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.ground import ground_height
from sim2real.model.model import load_spec
from sim2real.new_robot.arm_text import pose_task, tip_task
from sim2real.new_robot.draft_robot import DraftRobot
from sim2real.new_robot.upright_text import upright_task
from sim2real.plant import MujocoPlant
from sim2real.simulation.first_moments import holding_task, start_of

TaskKind = Literal["reach", "track", "pose", "walk", "stand", "balance"]
KINDS: Final[tuple[str, ...]] = get_args(TaskKind)
_TIP: Final = ("reach", "track")
_STEPS_MS: Final = (5, 4, 2, 1)
"""Physics steps that divide a control period of 20 ms."""
_UNSAID_MS: Final = 2.0  # MuJoCo's default, which models that say nothing of it have
_LEGS_MS: Final = 5.0  # as the shipped quadruped, MuJoCo Playground (4 ms) and mjlab (5 ms) step robots with legs
_FREE_TIP: Final = 3  # joints with which a tip moves in space, not along a line or on a surface
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
    made = DraftRobot(config, reference, height, timestep, plant)
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


def _task(robot: DraftRobot, name: str, kind: str) -> Iterator[str]:
    if kind in _TIP:
        return tip_task(robot, name, kind)
    return pose_task(robot, name) if kind == "pose" else upright_task(robot, name, kind)


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


def _world(robot: DraftRobot, name: str) -> Iterator[str]:
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
