"""Puts the emulated robot into the initial state of a scenario."""

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.start_state import StartStateConfig
from sim2real.hardware.emulator.plant import BasePose, PlaceablePlant, Plant


def place(plant: Plant, robot: RobotConfig, start: StartStateConfig, seed: int) -> None:
    """Put a plant into an initial state; one that says nothing leaves it as it is.

    Args:
        plant: The mechanics, before power-up.
        robot: The robot.
        start: The initial state.
        seed: Of the scatter.

    Raises:
        UserError: The plant cannot be put anywhere, or has no floating base.
    """
    if start == StartStateConfig():
        return
    if not isinstance(plant, PlaceablePlant):
        raise UserError(f"the plant {type(plant).__name__} cannot start in another pose: it has no method `place`")
    joints = robot.joints
    position = np.array([start.joints.get(name, joint.default_position) for name, joint in joints.items()])
    low, high = (np.array(ends) for ends in zip(*(joint.position_limits for joint in joints.values()), strict=True))
    deviation = np.random.default_rng(seed).uniform(-start.scatter, start.scatter, len(joints))
    base = start.base
    plant.place(
        np.clip(position + deviation, low, high),
        None if base is None else BasePose(base.height, base.roll, base.pitch, base.yaw),
    )
