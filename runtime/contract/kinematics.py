"""Forward kinematics: positions of the tips of n robots, from the positions of their joints."""

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.robot import LinkSpec, RobotSpec

_Term = tuple[int, list[tuple[int, float]]]
"""Which of 1, cosine and sine multiplies a sum, and the sum's (component, factor) pairs: at least one."""
_Turns = tuple[None, Float64Array, Float64Array]
"""1, cosine and sine of a joint of k robots, (k,) each."""


class Kinematics:
    """Computes tips in its own buffers; one robot gets the same bits as thousands.

    A point v in the frame of a joint is at p + R · rot(axis, q) · v in the frame before it, with Rodrigues' formula
    rot(a, q) = a aᵀ + cos q (I - a aᵀ) + sin q [a]×. The tip goes through the links from the last to the first: three
    numbers a link, in place of a product of matrices. Only element-wise operations are used (see `TermFunction` in
    `observation_term.py`), sine and cosine of the whole contiguous array at once.

    For one robot the same sums and products are done in the same order in Python's floats: the same IEEE doubles,
    without a hundred calls of numpy on arrays of one number.

    Args:
        robot: Must have a tip.
        n: Number of robots, at most.

    Raises:
        UserError: The robot has no tip.
    """

    def __init__(self, robot: RobotSpec, n: int) -> None:
        if robot.tip is None:
            raise UserError(f"robot {robot.name!r} has no `tip`")
        names = [joint.name for joint in robot.joints]
        self._links = [_Link(link, names.index(link.joint)) for link in reversed(robot.tip.links)]
        self._start = robot.tip.position
        self._sine, self._cosine = np.zeros((n, len(names))), np.zeros((n, len(names)))
        self._point, self._next = np.zeros((3, n)), np.zeros((3, n))
        self._sum, self._part = np.zeros(n), np.zeros(n)
        self._tip = np.zeros((n, 3))

    def tip(self, position: Float64Array) -> Float64Array:
        """Return the positions of the tips.

        Args:
            position: Joint positions of k ≤ n robots, (k, J), rad, C-contiguous.

        Returns:
            (k, 3), m, in the frame of the body that the first link's joint is mounted on: an own buffer, overwritten
            by the next call.
        """
        count = len(position)
        sine, cosine = self._sine[:count], self._cosine[:count]
        np.sin(position, out=sine)
        np.cos(position, out=cosine)
        tip = self._tip[:count]
        if count == 1:
            tip[0] = self._one(sine[0].tolist(), cosine[0].tolist())
            return tip
        point, following = self._point[:, :count], self._next[:, :count]
        for row, value in zip(point, self._start, strict=True):
            row.fill(value)
        for link in self._links:
            self._carry(link, (None, cosine[:, link.column], sine[:, link.column]), point, following)
            point, following = following, point
        np.copyto(tip, point.T)
        return tip

    def _one(self, sine: list[float], cosine: list[float]) -> tuple[float, float, float]:
        """Return the tip of one robot, from the sines and cosines of its joints."""
        x, y, z = self._start
        for link in self._links:
            turns = (1.0, cosine[link.column], sine[link.column])
            point = (x, y, z)
            x, y, z = (
                _coordinate(place, terms, point, turns) for place, terms in zip(link.position, link.terms, strict=True)
            )
        return x, y, z

    def _carry(self, link: "_Link", turns: _Turns, point: Float64Array, out: Float64Array) -> None:
        """Write points, (3, k), given in the frame of a link's joint, in the frame of the joint before."""
        count = point.shape[1]
        buffer, part = self._sum[:count], self._part[:count]
        for row, place, terms in zip(out, link.position, link.terms, strict=True):
            row.fill(place)
            for turn, ((first, scale), *others) in terms:
                total = point[first] if scale == 1.0 else np.multiply(point[first], scale, out=buffer)
                for component, factor in others:
                    np.multiply(point[component], factor, out=part)
                    total = np.add(total, part, out=buffer)
                by = turns[turn]
                if by is not None:
                    total = np.multiply(total, by, out=buffer)
                np.add(row, total, out=row)


def _coordinate(
    place: float, terms: list[_Term], point: tuple[float, float, float], turns: tuple[float, float, float]
) -> float:
    for turn, factors in terms:
        total = 0.0
        for component, factor in factors:
            total += point[component] * factor
        place += total * turns[turn]
    return place


class _Link:
    """One link as numbers."""

    def __init__(self, spec: LinkSpec, column: int) -> None:
        self.column = column
        self.position = spec.position
        self.terms = link_terms(spec)


def link_terms(spec: LinkSpec) -> list[list[_Term]]:
    """Return for each axis the rows of the three matrices that Rodrigues' formula multiplies by 1, cos q and sin q.

    Which of the three, and (component, factor) pairs. What is zero is left out: for an axis along x, y or z nearly all.
    """
    rotation, axis = _matrix(spec.rotation), np.array(spec.axis)
    along = np.outer(axis, axis)
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    matrices = np.stack([rotation @ along, rotation @ (np.eye(3) - along), rotation @ cross])
    return [
        [
            (turn, [(int(component), float(matrix[row, component])) for component in np.flatnonzero(matrix[row])])
            for turn, matrix in enumerate(matrices)
            if matrix[row].any()
        ]
        for row in range(3)
    ]


def _matrix(quaternion: tuple[float, float, float, float]) -> Float64Array:
    """Return the rotation matrix of a unit quaternion w x y z."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
            [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
            [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
        ]
    )
