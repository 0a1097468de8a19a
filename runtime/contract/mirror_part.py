"""How the values of a term change when the world is seen in a mirror, left and right exchanged."""

from collections.abc import Iterable
from typing import Literal, get_args

MirrorPart = Literal[
    "same",
    "negated",
    "vector",
    "rotation",
    "imu_vectors",
    "imu_rotations",
    "joints",
    "joint_values",
    "feet",
    "commands",
    "phase",
    "parameters",
]
"""Values of a term, in their order. The mirror plane is the x-z plane of the base.

`same`, `negated`: one value that stays, or changes its sign. `vector`: x y z of a position, velocity or force;
`rotation`: of an angular velocity or a torque; `imu_vectors`, `imu_rotations`: of every IMU. `joints`: angle, velocity,
torque or action of every joint; `joint_values`: what has no direction, such as a temperature. `feet`: one value of each
foot. `commands`: all operator commands. `phase`: sine and cosine of the clock. `parameters`: drawn parameters.
"""

Mirrored = tuple[MirrorPart, ...]
"""Parts of a term, side by side."""


def check_parts(parts: Iterable[str] | None) -> None:
    """Raise ValueError unless every part is one that there is."""
    valid = get_args(MirrorPart)
    if wrong := [part for part in parts or () if part not in valid]:
        raise ValueError(f"mirror: {wrong[0]!r} is not one of {', '.join(valid)}")
