"""Test worlds for the laws of simulation: small, without noise except the tested parameters."""

from typing import Any

import numpy as np

from sim2real.configs.load import load_task, validate
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.yaml_source import Sourced
from sim2real.simulation.simulation import Simulation

MS = 0.001


def randomized(*parameters: dict[str, Any], quantize: bool = False) -> RandomizationConfig:
    """A randomisation of only these parameters."""
    data = {"name": "test", "quantize": quantize, "parameters": [dict(entry) for entry in parameters]}
    return validate(RandomizationConfig, Sourced(data))


def fixed(parameter: str, value: float | str, **more: Any) -> dict[str, Any]:
    """A parameter with a fixed value."""
    return {"parameter": parameter, "range": [value, value], **more}


def between(parameter: str, low: float | str, high: float | str, **more: Any) -> dict[str, Any]:
    """A parameter drawn from a range."""
    return {"parameter": parameter, "range": [low, high], **more}


def pendulum(*overrides: str) -> TaskConfig:
    """The pendulum with a given reset."""
    return load_task("pendulum_swingup", ("reset.start_pose_share=0", *overrides))


def at_rest(angle: str, *overrides: str) -> TaskConfig:
    """The pendulum, with episodes that start at rest at one angle."""
    return pendulum(f"reset.position=[{angle}, {angle}]", "reset.velocity=[0 rad/s, 0 rad/s]", *overrides)


def started(simulation: Simulation) -> Simulation:
    simulation.begin(np.arange(simulation.n))
    return simulation


def simulate(task: TaskConfig, n: int, *parameters: dict[str, Any], seed: int = 0, **more: Any) -> Simulation:
    """Simulations of a task with these parameters, at the start of episodes."""
    return started(Simulation(task, randomized(*parameters), n, seed=seed, **more))


def idle(simulation: Simulation) -> np.ndarray:
    """Zero actions."""
    return np.zeros((simulation.n, simulation.contract.action_size), np.float32)


def actions(rng: np.random.Generator, n: int, width: int = 1) -> np.ndarray:
    return rng.uniform(-1.0, 1.0, (n, width)).astype(np.float32)


def qpos(simulation: Simulation) -> np.ndarray:
    """Live."""
    return simulation.batch.bind("qpos")


def qvel(simulation: Simulation) -> np.ndarray:
    """Live."""
    return simulation.batch.bind("qvel")


# All parameters together, for laws of exactness

_JOINTS = (
    between("body_mass", 0.9, 1.1),
    between("center_of_mass", "-2 mm", "2 mm"),
    between("joint_armature", 0.8, 1.2, distribution="log_uniform"),
    between("joint_friction", 0.8, 1.2, distribution="normal"),
    between("joint_damping", 0.8, 1.2, shared=True, each=[0.95, 1.05]),
    between("joint_limits", "-1 deg", "1 deg"),
    between("joint_offset", "-1 deg", "1 deg", shared=True, each=["-0.2 deg", "0.3 deg"]),
    between("backlash", "0 deg", "1 deg"),
    between("motor_resistance", 0.9, 1.1),
    between("motor_constant", 0.9, 1.1),
    between("motor_heating", "0 K", "40 K"),
    between("torque_limit", 0.8, 1.0),
    between("supply_voltage", 0.9, 1.0, shared=True),
    between("supply_resistance", "0 ohm", "0.2 ohm"),
    between("gravity", 0.95, 1.05),
    between("gravity_vector", "-0.1 m/s^2", "0.1 m/s^2"),
    between("action_latency", "0 ms", "12 ms"),
    between("joint_latency", "2 ms", "20 ms"),
    {"parameter": "joint_interval", "distribution": "categorical", "values": ["0 ms", "10 ms", "15 ms"]},
    between("period_jitter", 0.0, 0.05),
    between("action_loss", 0.0, 0.2),
    between("reading_loss", 0.0, 0.2),
    between("joint_position_gain", 0.0, 0.01),
    between("joint_position_bias", "0 deg", "1 deg"),
    between("joint_position_white", "0 deg", "0.2 deg"),
    between("joint_velocity_gain", 0.0, 0.01),
    between("joint_velocity_bias", "0 rad/s", "0.01 rad/s"),
    between("joint_velocity_white", "0 rad/s", "0.1 rad/s"),
    between("joint_effort_gain", 0.0, 0.01),
    between("joint_effort_bias", "0 N*m", "0.01 N*m"),
    between("joint_effort_white", "0 N*m", "0.01 N*m"),
    between("action_gain", 0.0, 0.02),
    between("action_bias", 0.0, 0.02),
    between("action_white", 0.0, 0.02),
    between("wrench_acceleration", "0 m/s^2", "0.5 m/s^2"),
    between("adversary_share", 0.0, 0.1),
    between("command_scale", 0.8, 1.0),
)
_POSITION = (between("controller_stiffness", 0.8, 1.2), between("controller_damping", 0.8, 1.2))
_WALKER = (
    between("payload", "0 g", "100 g", elements=["trunk"]),
    between("ground_friction", 0.5, 1.0, shared=True),
    between("ground_stiffness", 0.8, 1.2),
    between("ground_slope", "0 deg", "5 deg"),
    between("terrain_roughness", "0 cm", "3 cm"),
    between("imu_latency", "5 ms", "20 ms"),
    {"parameter": "imu_interval", "distribution": "categorical", "values": ["0 ms", "10 ms"]},
    between("angular_velocity_bias", "0 rad/s", "0.1 rad/s"),
    between("angular_velocity_white", "0 rad/s", "0.1 rad/s"),
    between("orientation_bias", "0 deg", "1 deg"),
    between("orientation_white", "0 deg", "1 deg"),
    between("push_speed", "0 m/s", "0.5 m/s"),
    between("push_interval", "0.1 s", "1 s"),
)
_ARM = (
    between("payload", "0 g", "50 g", elements=["gripper"]),
    between("tip_latency", "20 ms", "60 ms"),
    between("tip_bias", "0 mm", "2 mm"),
    between("tip_white", "0 mm", "2 mm"),
)
EVERYTHING: dict[str, tuple[dict[str, Any], ...]] = {
    "pendulum_swingup": _JOINTS,
    "quadruped_walk": _JOINTS + _POSITION + _WALKER,
    "so101_track": _JOINTS + _POSITION + _ARM,
    "so101_reach_camera": _JOINTS + _POSITION + _ARM,
    "hopper_hop": _JOINTS + _POSITION,
}
"""Every applicable parameter, by task."""
