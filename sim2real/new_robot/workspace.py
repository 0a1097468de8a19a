"""Where the tip of an arm gets to: the box of positions that a task may ask for."""

from itertools import product
from typing import Final

import numpy as np
from scipy.spatial import KDTree

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.ground import ground_height
from sim2real.plant import MujocoPlant
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.robot import robot_spec
from sim2real.task.commands import JOINT_SHARE

_SAMPLES: Final = 150_000
_SPREAD: Final = 1.5  # rad, of each joint about its default position
_CENTRES: Final = 50  # near the default pose, and as many anywhere
_AROUND: Final = 15_000
_POINTS: Final = 300  # of a box, asked whether the tip gets there
_MOVES_MIN: Final = 1e-4  # m
_NEAR: Final = 0.03  # a sampled tip so near, as a share of the arm's reach, says that it does
_REACHED: Final = 0.99  # of them, and every corner; between samples is always some room
_WIDE: Final = 0.75  # of the largest cube: as good, if it is nearer to the default pose
_HALVINGS: Final = 6
_ROUNDS: Final = 8
_GROWTH: Final = 0.25  # of the cube's half edge, by which a side moves out in a round


def workspace(robot: RobotConfig, plant: MujocoPlant) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return low, high and middle of a box in the tip's workspace, (3,) each, m, in the frame of the base.

    The tip gets to every position in the box, above the ground, with each joint within 1.5 rad of its default position
    and inside the share of its range from which the task draws its targets. A box about all positions would not do: its
    corners are out of reach of most arms, and no policy could learn them. Of the cubes about some of the positions the
    one nearest to the default pose is taken that is nearly as large as the largest, and its sides are moved out one by
    one as long as the tip follows. An axis along which the tip cannot move has no width.

    Args:
        robot: The robot, with a tip.
        plant: The same in its start pose.

    Raises:
        ConfigError: The tip does not move.
    """
    joints = list(robot.joints.values())
    default = np.array([joint.default_position for joint in joints])
    limits = np.array([joint.position_limits for joint in joints])
    limits = limits.mean(axis=1, keepdims=True) + JOINT_SHARE * (limits - limits.mean(axis=1, keepdims=True))
    rng = np.random.default_rng(0)
    turned = np.clip(default + rng.uniform(-_SPREAD, _SPREAD, (_SAMPLES, len(joints))), limits[:, 0], limits[:, 1])
    tips = Kinematics(robot_spec(robot), _SAMPLES).tip(turned).copy()
    home = Kinematics(robot_spec(robot), 1).tip(default[None, :])[0].copy()
    # Joints of fingers turn less than the spread: most samples are at their limits, and equal points make trees slow.
    tips = tips[np.sort(np.unique(np.round(tips, 7), axis=0, return_index=True)[1])]
    if not float(np.ptp(tips, axis=0).max()) > _MOVES_MIN:
        raise ConfigError(
            f"robot {robot.name!r}: its joints turn its tip without moving it; valid: --kind pose, or another tip"
        )
    moves = np.ptp(tips, axis=0) > _NEAR * np.ptp(tips, axis=0).max()
    near = _NEAR * float(np.linalg.norm(tips - tips.mean(axis=0), axis=1).max())
    above = tips[_above_ground(robot, plant, tips) > near]
    tips = above if len(above) > _AROUND else tips
    tree, beyond_near = KDTree(tips), float(np.nextafter(near, np.inf))
    corners = np.array(list(product((-1.0, 1.0), repeat=3)))
    widest = float(np.ptp(tips, axis=0).max()) / 2
    unit = np.concatenate([corners, rng.uniform(-1.0, 1.0, (_POINTS, 3))]) * moves

    def reached(low: Float64Array, high: Float64Array) -> bool:
        distances, _ = tree.query((low + high) / 2 + unit * (high - low) / 2, distance_upper_bound=beyond_near)
        return bool((distances[: len(corners)] <= near).all() and np.mean(distances <= near) >= _REACHED)

    def half_edge(centre: Float64Array) -> float:
        fits, beyond = 0.0, widest
        for _ in range(_HALVINGS):
            half = (fits + beyond) / 2
            if reached(centre - half * moves, centre + half * moves):
                fits = half
            else:
                beyond = half
        return fits

    around = tree.query(home, min(_AROUND, len(tips)))[1]
    centres = tips[np.concatenate((rng.choice(around, _CENTRES), rng.choice(len(tips), _CENTRES)))]
    halves = [half_edge(centre) for centre in centres]
    from_home = np.linalg.norm(centres - home, axis=1)
    wide = np.flatnonzero(np.array(halves) >= _WIDE * max(halves))
    best = int(wide[np.argmin(from_home[wide])])
    low, high = centres[best] - halves[best] * moves, centres[best] + halves[best] * moves
    step = _GROWTH * halves[best]
    for _ in range(_ROUNDS):
        for axis in np.flatnonzero(moves):
            out = np.zeros(3)
            out[axis] = step
            low = low - out if reached(low - out, high) else low
            high = high + out if reached(low, high + out) else high
    return low, high, np.clip(home, low, high)


def _above_ground(robot: RobotConfig, plant: MujocoPlant, tips: Float64Array) -> Float64Array:
    """Return the heights of positions in the frame of the base above the ground, (N,), m; infinite where none is."""
    model, data = plant.model, plant.data
    assert robot.tip is not None  # noqa: S101 - the caller has looked
    first = int(model.joint(robot.in_model(robot.tip.links[0].joint)).bodyid[0])
    base = int(model.body_parentid[first])
    ground = ground_height(model, data, int(model.body_rootid[first]))
    if ground is None:
        return np.full(len(tips), np.inf)
    return np.asarray(tips @ data.xmat[base].reshape(3, 3)[2] + data.xpos[base, 2] - ground)
