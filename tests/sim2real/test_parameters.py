"""Laws of randomised parameters: each changes what its name says, as drawn, for one episode, and nothing else."""

from typing import get_args

import mujoco
import numpy as np
import pytest
from worlds import between, fixed, pendulum, simulate

from configs.errors import ConfigError
from configs.schema.parameter import TRAITS, ParameterName
from sim2real.randomization.catalogue import CATALOGUE


def test_the_schema_names_exactly_the_parameters_that_exist() -> None:
    assert set(get_args(ParameterName)) == set(CATALOGUE) == set(TRAITS)


def test_randomised_inertia_equals_a_recompiled_model() -> None:
    simulation = simulate(pendulum(), 4, between("body_mass", 0.5, 1.5, elements=["arm"]), seed=9)
    spec = mujoco.MjSpec.from_file("configs/robots/pendulum.xml")
    nominal = {geom.name: geom.mass for geom in spec.geoms}
    nominal_mass = sum(nominal[name] for name in ("rod", "weight", "counterweight"))
    for sim in range(4):
        drawn = simulation.batch.get_model(sim)
        factor = drawn.body("arm").mass[0] / nominal_mass
        assert 0.5 <= factor <= 1.5
        for name in ("rod", "weight", "counterweight"):
            spec.geom(name).mass = nominal[name] * factor
        spec.joint("pivot").armature = 0.007
        recompiled = spec.compile()
        for field in ("body_mass", "body_inertia", "body_subtreemass", "body_invweight0", "dof_invweight0", "dof_M0"):
            np.testing.assert_allclose(getattr(drawn, field), getattr(recompiled, field), rtol=1e-9, err_msg=field)


def test_a_stronger_motor_constant_delivers_more_torque_for_the_same_current() -> None:
    force = []
    for parameters in ([fixed("motor_constant", 1.2)], []):
        simulation = simulate(pendulum("reset.position=[90 deg, 90 deg]"), 1, *parameters, seed=1)
        delivered = simulation.batch.bind("actuator_force")
        simulation.step(np.full((1, 1), 0.5, np.float32))
        force.append(float(delivered[0, 0]))
    assert force[0] == pytest.approx(1.2 * 0.3, rel=1e-6)
    assert force[1] == pytest.approx(0.3, rel=1e-6)


def test_an_unknown_element_is_refused_with_the_valid_names() -> None:
    with pytest.raises(ConfigError, match=r"no body named 'leg'; valid: stand, arm"):
        simulate(pendulum(), 1, between("body_mass", 0.5, 1.5, elements=["leg"]))
