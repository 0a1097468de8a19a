"""The optimisation step of DORAEMON: the widest distribution near the present one that keeps the success rate.

Tiboni et al., "Domain Randomization via Entropy Maximization", ICLR 2024 (arXiv 2311.01885):

    maximise H(φ)  subject to  (1/K) Σ w_k(φ) s_k ≥ α  and  KL(φ ‖ φ_present) ≤ ε

If the present distribution misses α, success is first maximised within the trust region; if the result still misses α,
it is the next distribution.

φ is the distribution of all drawn numbers of an episode: a parameter drawn for 12 joints counts 12 times in weights,
divergence and entropy. If it counted once, twelve small changes would multiply to useless weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, minimize

from sim2real.curriculum.beta_family import SHAPE_MAX, SHAPE_MIN
from sim2real.curriculum.weighted_episodes import WeightedEpisodes
from sim2real.hardware.types import Float64Array

_ITERATIONS_MAX = 100  # of the optimiser, which needs five to ten
_SLACK = 1e-3  # of ε: margin below ε, because the optimiser satisfies constraints only to a tolerance
_PRECISION = 1e-5  # of ε
_TOLERANCE = 1e-6  # of the success rate, whose standard error is thousands of times larger
_REACH = 2.0  # search radius, in radii of the trust region
_RIDGE = 0.1  # added curvature, for flat directions: two choices have one probability but two shapes
_BACKTRACKS = 20  # points between end and start to try if the end violates a constraint

Function = Callable[[Float64Array], tuple[float, Float64Array]]
"""Function of shapes, (M, 2), that returns a value and its gradient, (M, 2)."""


@dataclass(frozen=True)
class TrustRegion:
    """The optimisation problem of one step.

    It is solved in coordinates y with shape = present · exp(L y), in which the divergence is locally |y|²/2. The trust
    region is then a ball for all shapes, and with the objective scaled to the ball the optimiser's first guess of the
    curvature is right.
    """

    episodes: WeightedEpisodes
    present: Float64Array
    """Shapes, (M, 2)."""
    divergence_max: float
    """ε, nats."""
    success_rate: float
    """α"""

    def entropy(self, shape: Float64Array) -> tuple[float, Float64Array]:
        """Return the entropy of an episode's drawn numbers, nats, and its gradient."""
        family, widths = self.episodes.family, self.episodes.widths
        slope = -np.einsum("mij,mj->mi", family.covariance(shape), shape - 1.0)
        return float(widths @ family.entropy(shape)), widths[:, None] * slope

    def divergence(self, shape: Float64Array) -> tuple[float, Float64Array]:
        """Return KL(shape ‖ present) of an episode's drawn numbers, nats, and its gradient."""
        family, widths = self.episodes.family, self.episodes.widths
        slope = np.einsum("mij,mj->mi", family.covariance(shape), shape - self.present)
        return float(widths @ family.divergence(shape, self.present)), widths[:, None] * slope

    def solve(self) -> Float64Array:
        """Return the shapes of the next distribution, always within the trust region."""
        success = self.episodes.success_rate
        start = self.present
        if success(start)[0] < self.success_rate:
            start = self._maximise(success, start, 0.0)
            if success(start)[0] < self.success_rate:
                return start
        return self._maximise(self.entropy, start, self.success_rate)

    def _maximise(self, objective: Function, start: Float64Array, success_rate: float) -> Float64Array:
        """Maximise within the trust region subject to a success rate, from feasible shapes."""
        frame, origin = self._frame(), np.log(self.present)
        ball = float(np.sqrt(2.0 * self.divergence_max))

        def shapes(y: Float64Array) -> Float64Array:
            moved = origin + np.einsum("mij,mj->mi", frame, y.reshape(-1, 2))
            return np.asarray(np.clip(np.exp(moved), SHAPE_MIN, SHAPE_MAX))

        def in_frame(function: Function, factor: float, offset: float) -> dict[str, Any]:
            def value(y: Float64Array) -> float:
                return factor * function(shapes(y))[0] + offset

            def slope(y: Float64Array) -> Float64Array:
                shape = shapes(y)
                return np.asarray(factor * np.einsum("mij,mi->mj", frame, function(shape)[1] * shape).ravel())

            return {"type": "ineq", "fun": value, "jac": slope}

        constraints = [in_frame(self.divergence, -1.0, self.divergence_max * (1.0 - _SLACK))]
        constraints += self._box(frame, _REACH * ball)
        if success_rate > 0.0:
            constraints.append(in_frame(self.episodes.success_rate, 1.0, -success_rate))
        first = np.linalg.solve(frame, (np.log(start) - origin)[..., None]).ravel()
        steepness = float(np.linalg.norm(in_frame(objective, 1.0, 0.0)["jac"](first)))
        if not steepness > 0.0:
            return start
        goal = in_frame(objective, -ball / steepness, 0.0)
        found = minimize(
            goal["fun"],
            first,
            jac=goal["jac"],
            method="SLSQP",
            bounds=Bounds(-_REACH * ball, _REACH * ball),
            constraints=constraints,
            options={"maxiter": _ITERATIONS_MAX, "ftol": _PRECISION * self.divergence_max},
        )
        return self._feasible(start, shapes(found.x), objective, success_rate)

    def _frame(self) -> Float64Array:
        """Return L, (M, 2, 2): the inverse root of the divergence's Hessian in the logarithms of the shapes."""
        scale = self.present[:, :, None] * self.present[:, None, :]
        curvature = scale * self.episodes.family.covariance(self.present) + _RIDGE * np.eye(2)
        root = np.linalg.cholesky(self.episodes.widths[:, None, None] * curvature)
        return np.linalg.inv(root).transpose(0, 2, 1)

    def _box(self, frame: Float64Array, radius: float) -> list[dict[str, Any]]:
        """Return linear constraints that keep shapes within their bounds; only for shapes that can reach a bound."""
        rows = np.zeros((*self.present.shape, *self.present.shape))
        each = np.arange(len(frame))
        rows[each, :, each] = frame
        matrix = rows.reshape(self.present.size, -1)
        reach = radius * np.abs(matrix).sum(axis=1)
        above, below = np.log(self.present / SHAPE_MIN).ravel(), np.log(SHAPE_MAX / self.present).ravel()
        slopes = np.concatenate((matrix[above < reach], -matrix[below < reach]))
        margin = np.concatenate((above[above < reach], below[below < reach]))
        return [{"type": "ineq", "fun": lambda y: margin + slopes @ y, "jac": lambda y: slopes}] if len(margin) else []

    def _feasible(
        self, start: Float64Array, end: Float64Array, objective: Function, success_rate: float
    ) -> Float64Array:
        """Return the first shapes from end back to start that satisfy the constraints and improve the objective."""
        least = objective(start)[0]
        for share in np.linspace(1.0, 0.0, _BACKTRACKS, endpoint=False):
            shape: Float64Array = start + share * (end - start)
            near = self.divergence(shape)[0] <= self.divergence_max
            succeeds = self.episodes.success_rate(shape)[0] >= success_rate - _TOLERANCE
            if near and succeeds and objective(shape)[0] > least:
                return shape
        return start
