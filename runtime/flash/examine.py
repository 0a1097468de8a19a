"""The dry run: a policy is loaded and run as the robot would run it, before it may be installed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.flash.manifest import FlashError

_RANDOM_POSES = 16  # beside the default pose and the corners; enough to meet a NaN that is not hidden on purpose
_SEED = 20261120


def examine(policy: Path, robot: RobotConfig) -> tuple[Contract, dict[str, str]]:
    """Load a policy, hold its contract against the robot, and run it on observations from all over the robot's range.

    Returns:
        The policy's contract and provenance.

    Raises:
        UserError: The file is no policy, its shapes are not the contract's, it is for another robot (field by field),
            or its actions are not finite.
    """
    from sim2real.runtime.policy import (  # onnxruntime is slow to load, and `status` does without it
        OnnxPolicy,
        check_robot,
    )

    loaded = OnnxPolicy(policy)
    contract = loaded.contract
    check_robot(contract, robot)
    for name, observation in _observations(contract):
        try:
            action = loaded.act(observation)
        except Exception as error:  # onnxruntime's exceptions have no common base
            raise FlashError(f"{policy}: does not run {name}: {type(error).__name__}") from error
        if not np.isfinite(action).all():
            raise FlashError(f"{policy}: gives an action that is not finite {name}")
    return contract, dict(loaded.provenance)


def _observations(contract: Contract) -> Iterator[tuple[str, np.ndarray[tuple[int, int], np.dtype[np.float32]]]]:
    """Yield observations, (1, O) float32, each with where the robot is in it."""
    joints = contract.robot.joints
    low = np.array([joint.position_min for joint in joints])
    high = np.array([joint.position_max for joint in joints])
    velocity = np.array([joint.velocity_max for joint in joints])
    effort = np.array([joint.effort_max for joint in joints])
    default = np.array([joint.default_position for joint in joints])
    random = np.random.default_rng(_SEED)
    still = np.zeros(len(joints))
    cases = [("in the default pose", default, still, still)]
    cases += [("at the lower limits", low, -velocity, -effort), ("at the upper limits", high, velocity, effort)]
    for _ in range(_RANDOM_POSES):
        moving, pushing = random.uniform(-velocity, velocity), random.uniform(-effort, effort)
        cases.append(("within the limits", random.uniform(low, high), moving, pushing))
    pipeline = ObservationPipeline(contract, 1)
    signals = Signals.zeros(1, len(joints))
    for name, signals.joint_position[0], signals.joint_velocity[0], signals.joint_effort[0] in cases:
        last_action = random.uniform(-1.0, 1.0, (1, contract.action_size)).astype(np.float32)
        yield name, pipeline.observe(signals, last_action)
