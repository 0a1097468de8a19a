"""Laws of friction that follows velocity and load: worked by hand, and the six models of its source."""

import math

import numpy as np
import pytest

from sim2real.configs.schema.friction import Friction
from sim2real.hardware.gear_friction import GearFriction


def budget(terms: Friction, velocity: float, motor: float, external: float) -> float:
    values = (np.array([value]) for value in (velocity, motor, external))
    return float(GearFriction([terms]).budget(*values)[0])


def friction(**terms: object) -> Friction:
    return Friction.model_validate({"coulomb": "0.1 N*m"} | terms)


FADING = {"coulomb": "0.05 N*m", "velocity": "0.4 rad/s"}
COULOMB = friction(viscous="0.5 N*m*s/rad")
STRIBECK = friction(stribeck=FADING)
LOAD = friction(load={"motor": 0.2, "external": 0.2})
DIRECTIONAL = friction(
    stribeck=FADING, load={"motor": 0.2, "external": 0.3, "motor_stribeck": 0.1, "external_stribeck": 0.15}
)


def test_without_further_terms_it_is_coulomb_friction_whatever_the_load():
    assert not GearFriction([COULOMB]).varies
    assert budget(COULOMB, 3.0, 1.0, -2.0) == 0.1


def test_stribeck_friction_fades_with_the_velocity():
    assert budget(STRIBECK, 0.0, 1.0, -2.0) == pytest.approx(0.1 + 0.05)
    for velocity in (0.4, -0.4):
        assert budget(STRIBECK, velocity, 0.0, 0.0) == pytest.approx(0.1 + 0.05 / math.e)
    assert budget(STRIBECK, 0.8, 0.0, 0.0) == pytest.approx(0.1 + 0.05 * math.exp(-4.0))
    assert budget(STRIBECK, 40.0, 0.0, 0.0) == pytest.approx(0.1)


def test_load_friction_is_of_what_the_gears_transmit():
    # The motor holds 1 N·m: 0.1 + 0.2 · |−1 − 1|. Both push the same way: nothing is transmitted.
    assert budget(LOAD, 0.0, 1.0, -1.0) == pytest.approx(0.5)
    assert budget(LOAD, 9.0, 1.0, -1.0) == pytest.approx(0.5)
    assert budget(LOAD, 0.0, 1.0, 1.0) == pytest.approx(0.1)


def test_a_directional_gear_is_driven_back_less_easily():
    # 0.1 + |0.3 · (−1) − 0.2 · 2| + (0.05 + |0.15 · (−1) − 0.1 · 2|), all of it at rest.
    assert budget(DIRECTIONAL, 0.0, 2.0, -1.0) == pytest.approx(0.1 + 0.7 + 0.05 + 0.35)
    assert budget(DIRECTIONAL, 0.0, 1.0, -2.0) == pytest.approx(0.1 + 0.8 + 0.05 + 0.40)
    assert budget(DIRECTIONAL, 0.4, 2.0, -1.0) == pytest.approx(0.1 + 0.7 + (0.05 + 0.35) / math.e)


def test_quadratic_terms_are_of_the_weaker_of_two_opposed_torques():
    load = {"motor_quadratic": 0.01, "external_quadratic": 0.02}
    squared = friction(stribeck={"velocity": "0.4 rad/s"}, load=load)
    assert budget(squared, 0.0, 3.0, -2.0) == pytest.approx(0.1 + 0.02 * 4.0)  # drives
    assert budget(squared, 0.0, 2.0, -3.0) == pytest.approx(0.1 + 0.01 * 4.0)  # brakes
    assert budget(squared, 0.0, 2.0, 3.0) == pytest.approx(0.1)  # both the same way
    assert budget(squared, 0.0, 2.0, -2.0) == pytest.approx(0.1)  # neither


@pytest.mark.parametrize("terms", [COULOMB, STRIBECK, LOAD, DIRECTIONAL])
def test_it_is_the_same_in_both_directions_and_never_less_than_coulomb_friction(terms):
    rng = np.random.default_rng(0)
    model = GearFriction([terms] * 3)
    velocity, motor, external = rng.normal(size=(3, 50, 3))
    forward = model.budget(velocity, motor, external)
    np.testing.assert_array_equal(forward, model.budget(-velocity, -motor, -external))
    assert (forward >= 0.1).all()


def test_motors_of_different_kinds_stand_side_by_side():
    model = GearFriction([COULOMB, LOAD])
    np.testing.assert_allclose(model.budget(np.zeros(2), np.ones(2), -np.ones(2)), [0.1, 0.5])
    assert model.varies


def test_terms_that_need_each_other_are_asked_for():
    with pytest.raises(ValueError, match="give `stribeck`"):
        friction(load={"motor_stribeck": 0.1})
    with pytest.raises(ValueError, match="more than 0"):
        friction(coulomb="0 N*m", load={"motor": 0.1})
