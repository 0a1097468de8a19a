"""Laws of parameters that are shared and differ by element besides. Replay and resume: `test_exactness.py`."""

from typing import Any

import numpy as np
import pytest
from worlds import between, fixed, randomized, simulate

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_task
from sim2real.configs.schema.curriculum import CurriculumConfig
from sim2real.simulation.simulation import Simulation

EACH = {"shared": True, "each": [0.95, 1.05]}


def quadruped(n: int, *parameters: dict[str, Any], **more: Any) -> Simulation:
    return simulate(load_task("quadruped_walk"), n, *parameters, **more)


def factors(simulation: Simulation) -> np.ndarray:
    own = simulation.batch.model.dof_frictionloss[6:18]
    return simulation.batch.expanded("dof_frictionloss")[:, 6:18] / own


def test_an_element_has_the_shared_factor_times_its_own() -> None:
    simulation = quadruped(40, between("joint_friction", 0.5, 2.0, **EACH))
    shared, own = simulation.parameters.values, simulation.parameters.individual.values
    assert (shared.shape, own.shape) == ((40, 1), (40, 12))
    np.testing.assert_allclose(factors(simulation), shared * own, rtol=1e-12)
    assert ((own >= 0.95) & (own <= 1.05)).all()
    assert len(np.unique(own)) == own.size
    assert own.min() < 0.955
    assert own.max() > 1.045
    assert shared.min() < 0.8
    assert shared.max() > 1.7


def test_a_sum_is_added_to_the_shared_one() -> None:
    simulation = quadruped(3, between("joint_offset", "-3 deg", "3 deg", shared=True, each=["-1 mrad", "1 mrad"]))
    offsets = simulation.parameters.array("joint_offset")
    assert offsets is not None
    np.testing.assert_allclose(offsets, simulation.parameters.values + simulation.parameters.individual.values)
    assert (np.ptp(offsets, axis=1) > 0.0).all()
    assert (np.ptp(offsets, axis=1) <= 2e-3).all()
    simulation.begin(np.arange(3))  # nothing is left of the episodes before
    np.testing.assert_allclose(offsets, simulation.parameters.values + simulation.parameters.individual.values)


def test_named_elements_alone_differ() -> None:
    simulation = quadruped(
        2, between("joint_friction", 1.5, 1.5, elements=["front_left_roll", "rear_right_knee"], **EACH)
    )
    changed = factors(simulation) != 1.0
    assert (changed.sum(axis=1) == 2).all()


def test_what_is_not_randomised_is_calibrated() -> None:
    none = CurriculumConfig(strategy="none")
    simulation = quadruped(2, between("joint_friction", 0.5, 2.0, calibrated=1.25, **EACH), curriculum=none)
    np.testing.assert_allclose(factors(simulation), 1.25, rtol=1e-12)


def test_the_curriculum_sees_the_shared_part_alone() -> None:
    entries = between("joint_friction", 0.5, 2.0, **EACH), fixed("body_mass", 1.0)
    simulation = quadruped(2, *entries)
    assert simulation.parameters.space.names == ("joint_friction", "body_mass")
    assert simulation.parameters.names == ("joint_friction", "body_mass", "joint_friction/each")
    assert set(simulation.parameters.record(1)) == set(simulation.parameters.names)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"shared": False, "each": [0.9, 1.1]}, "needs `shared: true`"),
        ({"shared": True, "each": ["0 N*m", "1 N*m"], "apply": "set"}, "needs scale or add, not set"),
        ({"shared": True, "each": [1.1, 0.9]}, "must be ordered and hold 1, no difference"),
        ({"shared": True, "each": [1.1, 1.2]}, "must be ordered and hold 1, no difference"),
        ({"shared": True, "each": [-0.1, 1.2]}, "a factor is never negative"),
        ({"shared": True, "each": ["1 N*m", "2 N*m"]}, "takes a plain number here"),
    ],
)
def test_other_parts_are_refused_with_their_place(entry: dict[str, Any], said: str) -> None:
    low_high = ("0.1 N*m", "0.2 N*m") if entry.get("apply") == "set" else (0.5, 2.0)
    with pytest.raises(ConfigError, match=said) as caught:
        randomized(between("joint_friction", *low_high, **entry))
    assert "parameters[0].each" in str(caught.value) or "parameters.0.each" in str(caught.value)
