"""Laws of randomised parameters: each changes only its own fields, as drawn, for one episode."""

from collections.abc import Callable
from typing import Any, get_args

import mujoco
import numpy as np
import pytest
from mujoco.batch import MODEL_FIELDS
from worlds import at_rest, between, fixed, pendulum, simulate

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_task
from sim2real.configs.schema.parameter import TRAITS, ParameterName
from sim2real.model.model import load_spec, set_physics
from sim2real.randomization.catalogue import CATALOGUE
from sim2real.simulation.simulation import Simulation

# Constants that MuJoCo derives from drawn fields: the outputs of mj_setConst.
DERIVED = {"dof_M0", "body_invweight0", "body_subtreemass", "dof_invweight0", "actuator_acc0"}
DERIVED |= {"bvh_aabb", "dof_length", "body_sameframe"}
CAMERAS = {"light_poscom0", "cam_poscom0", "light_pos0", "cam_pos0", "stat.meansize"}

Change = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Function from a field's original values, (E, …), and drawn values, (E, width), to the expected values."""


def scaled(own: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return own * drawn.reshape(len(own), *([1] * (own.ndim - 1)))


def shifted(own: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return own + drawn


JOINTS, ACTUATORS, BODIES, WORLD = slice(6, 18), slice(0, 12), slice(1, None), slice(None)

# parameter, its range, and for every field: elements, column, change.
FIELDS: list[tuple[str, tuple[Any, Any], dict[tuple[str, int | None], tuple[Any, Change]]]] = [
    (
        "body_mass",
        (0.5, 0.9),
        {("body_mass", None): (BODIES, scaled), ("body_inertia", None): (BODIES, scaled)},
    ),
    ("center_of_mass", ("-5 mm", "20 mm"), {("body_ipos", None): (BODIES, shifted)}),
    ("joint_armature", (0.5, 0.9), {("dof_armature", None): (JOINTS, scaled)}),
    ("joint_friction", (0.5, 0.9), {("dof_frictionloss", None): (JOINTS, scaled)}),
    ("joint_damping", (0.5, 0.9), {("dof_damping", None): (JOINTS, scaled)}),
    ("joint_limits", ("-1 deg", "2 deg"), {("jnt_range", None): (slice(1, 13), shifted)}),
    ("motor_resistance", (0.5, 0.9), {("actuator_gainprm", 0): (ACTUATORS, scaled)}),
    (
        "motor_constant",
        (0.5, 0.9),
        {("actuator_gainprm", column): (ACTUATORS, scaled) for column in (1, 4, 6)},
    ),
    (
        "motor_heating",
        ("20 K", "60 K"),
        {
            ("actuator_gainprm", 0): (ACTUATORS, lambda own, rise: own * (1.0 + 0.00393 * rise[:, 0])),
            **{
                ("actuator_gainprm", column): (ACTUATORS, lambda own, rise: own * (1.0 - 0.0011 * rise[:, 0]))
                for column in (1, 4, 6)
            },
        },
    ),
    ("torque_limit", (0.5, 0.9), {("actuator_forcerange", None): (ACTUATORS, scaled)}),
    ("controller_stiffness", (0.5, 0.9), {("actuator_gainprm", 4): (ACTUATORS, scaled)}),
    ("controller_damping", (0.5, 0.9), {("actuator_gainprm", 6): (ACTUATORS, scaled)}),
    ("supply_voltage", (0.5, 0.9), {("actuator_gainprm", 7): (ACTUATORS, scaled)}),
    ("gravity", (0.5, 0.9), {("opt.gravity", None): (WORLD, lambda own, factor: own * factor)}),
    ("gravity_vector", ("-1 m/s^2", "1 m/s^2"), {("opt.gravity", None): (WORLD, shifted)}),
    ("ground_friction", (0.5, 0.9), {("geom_friction", 0): (slice(None), scaled)}),
    (
        "ground_stiffness",
        (0.5, 0.9),
        {("geom_solref", 0): (slice(None), lambda own, stiffness: own / np.sqrt(stiffness[:, 0]))},
    ),
]


def quadruped(n: int, *parameters: dict[str, Any], **more: Any) -> Simulation:
    return simulate(load_task("quadruped_stand"), n, *parameters, seed=3, **more)


def own_field(model: mujoco.MjModel, name: str) -> np.ndarray:
    owner, _, field = name.rpartition(".")
    return np.array(getattr(model.opt if owner else model, field))


def differing(simulation: Simulation) -> set[str]:
    """Names of the model fields that differ from the model's own in any simulation."""
    values = {name: simulation.batch.expanded(name) for name in MODEL_FIELDS}
    model = simulation.batch.model
    return {
        name
        for name, each in values.items()
        if each is not None and not np.array_equal(each, np.broadcast_to(own_field(model, name), each.shape))
    }


def test_the_schema_names_exactly_the_parameters_that_exist() -> None:
    assert set(get_args(ParameterName)) == set(CATALOGUE) == set(TRAITS)


def test_every_parameter_that_changes_model_fields_is_listed_here() -> None:
    elsewhere = {"payload", "backlash"}  # these add bodies and joints
    assert {name for name, kind in CATALOGUE.items() if kind.effects} == {name for name, _, _ in FIELDS} | elsewhere


@pytest.mark.parametrize("shared", [False, True], ids=["each", "shared"])
@pytest.mark.parametrize(("name", "low_high", "fields"), FIELDS, ids=[name for name, _, _ in FIELDS])
def test_a_parameter_changes_its_fields_as_drawn_and_nothing_else(
    name: str, low_high: tuple[Any, Any], fields: dict[tuple[str, int | None], tuple[Any, Change]], shared: bool
) -> None:
    simulation = quadruped(3, between(name, *low_high, shared=shared))
    width = CATALOGUE[name].width
    drawn = simulation.parameters.values.reshape(3, -1, width)
    assert len(np.unique(drawn)) == drawn.size  # all simulations have different values
    expected = {field: np.repeat(own_field(simulation.batch.model, field)[None], 3, axis=0) for field, _ in fields}
    for (field, column), (elements, change) in fields.items():
        for sim in range(3):
            own = expected[field][sim] if field.startswith("opt.") else expected[field][sim][elements]
            values = drawn[sim, 0] if field.startswith("opt.") else np.broadcast_to(drawn[sim], (len(own), width))
            if column is None:
                own[...] = change(own, values)
            else:
                own[:, column] = change(own[:, column], values)
    for field, values in expected.items():
        np.testing.assert_allclose(simulation.batch.expanded(field), values, rtol=1e-12, err_msg=field)
    assert {field for field, _ in fields} <= differing(simulation) <= {field for field, _ in fields} | DERIVED | CAMERAS


@pytest.mark.parametrize(("name", "low_high"), [(name, low_high) for name, low_high, _ in FIELDS])
def test_the_next_episode_begins_from_the_model_s_own_values(name: str, low_high: tuple[Any, Any]) -> None:
    simulation = quadruped(2, between(name, *low_high))
    calibrated = simulation.parameters.space.calibrated[simulation.parameters.space.dimension_of_column]
    everyone = np.arange(2)
    simulation.parameters.put(everyone, np.tile(calibrated, (2, 1)), np.full(2, -1))
    if TRAITS[name].apply[0] in ("scale", "add"):
        clamped = np.clip({"scale": 1.0, "add": 0.0}[TRAITS[name].apply[0]], *simulation.parameters.space.limits[0])
        np.testing.assert_array_equal(calibrated, clamped)
    # The same values give the same fields again, after another episode in between.
    first = {field: simulation.batch.expanded(field).copy() for field in simulation.parameters.field_names}
    simulation.begin(everyone)
    simulation.parameters.put(everyone, np.tile(calibrated, (2, 1)), np.full(2, -1))
    for field, values in first.items():
        np.testing.assert_array_equal(simulation.batch.expanded(field), values, err_msg=field)


def test_a_new_episode_of_one_simulation_leaves_the_fields_of_the_others_alone() -> None:
    simulation = quadruped(4, *(between(name, *low_high) for name, low_high, _ in FIELDS))
    fields = [name for name in MODEL_FIELDS if simulation.batch.expanded(name) is not None]
    before = {name: simulation.batch.expanded(name).copy() for name in fields}
    simulation.begin(np.array([2]))
    changed = False
    for name in fields:
        after = simulation.batch.expanded(name)
        np.testing.assert_array_equal(np.delete(after, 2, axis=0), np.delete(before[name], 2, axis=0), err_msg=name)
        changed |= not np.array_equal(after[2], before[name][2])
    assert changed


@pytest.mark.parametrize(
    ("first", "second", "field", "expected"),
    [
        (
            fixed("motor_resistance", 1.2),
            fixed("motor_heating", "40 K"),
            "actuator_gainprm",
            lambda own: own[:, 0] * 1.2 * (1.0 + 0.00393 * 40.0),
        ),
        (
            fixed("gravity", 1.1),
            fixed("gravity_vector", "0.5 m/s^2"),
            "opt.gravity",
            lambda own: own * 1.1 + 0.5,
        ),
        (
            fixed("motor_resistance", "5 ohm", apply="set"),
            fixed("motor_heating", "40 K"),
            "actuator_gainprm",
            lambda own: np.full(len(own), 5.0) * (1.0 + 0.00393 * 40.0),
        ),
        (
            fixed("controller_stiffness", 0.8),
            fixed("motor_constant", 1.2),
            "actuator_gainprm",
            lambda own: own[:, 4] * 0.8 * 1.2,
        ),
    ],
    ids=["resistance", "gravity", "set_resistance", "stiffness"],
)
def test_two_parameters_of_one_field_act_together_whichever_is_listed_first(
    first: dict[str, Any], second: dict[str, Any], field: str, expected: Callable[[np.ndarray], np.ndarray]
) -> None:
    for pair in ((first, second), (second, first)):
        simulation = quadruped(2, *pair)
        simulation.begin(np.arange(2))  # values do not compound over episodes
        wanted = expected(own_field(simulation.batch.model, field))
        values = simulation.batch.expanded(field)[1]
        if field == "actuator_gainprm":
            values = values[:, 4 if first["parameter"] == "controller_stiffness" else 0]
        np.testing.assert_allclose(values, wanted, rtol=1e-12)


def test_a_parameter_applies_to_its_elements_only() -> None:
    simulation = quadruped(2, fixed("joint_friction", 2.0, elements=["rear_left_knee", "front_left_roll"]))
    model = simulation.batch.model
    ratio = simulation.batch.expanded("dof_frictionloss")[0, 6:] / model.dof_frictionloss[6:]
    names = list(simulation.task.robot.joints)
    assert {name for name, factor in zip(names, ratio, strict=True) if factor != 1.0} == {
        "rear_left_knee",
        "front_left_roll",
    }


def test_a_set_value_replaces_the_model_s_own() -> None:
    simulation = quadruped(2, between("ground_friction", 0.4, 1.2, apply="set", shared=True))
    friction = simulation.batch.expanded("geom_friction")
    np.testing.assert_array_equal(friction[:, :, 0], np.repeat(simulation.parameters.values, friction.shape[1], axis=1))
    np.testing.assert_array_equal(
        friction[:, :, 1:], np.broadcast_to(simulation.batch.model.geom_friction[:, 1:], friction[:, :, 1:].shape)
    )


# Inertia compared with the compiler


def recompiled(simulation: Simulation, change: Callable[[mujoco.MjSpec], None]) -> mujoco.MjModel:
    """The quadruped's model, recompiled with explicit inertias after a change."""
    robot = simulation.task.robot
    spec = load_spec(robot)
    set_physics(spec, simulation.task.physics)
    plain = load_spec(robot).compile()
    for body in spec.bodies[1:]:
        own = plain.body(body.name)
        body.explicitinertial = True
        body.mass, body.inertia, body.ipos, body.iquat = own.mass[0], own.inertia, own.ipos, own.iquat
    change(spec)
    return spec.compile()


def motion(model: mujoco.MjModel, qpos: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mass matrix, bias forces and centres of mass of a model in one pose."""
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    data.qvel[:] = np.linspace(-1.0, 1.0, model.nv)
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    return full, data.qfrc_bias.copy(), data.xipos[1:14].copy()


def assert_same_inertia(simulation: Simulation, change: Callable[[mujoco.MjSpec], None]) -> None:
    drawn, expected = simulation.batch.get_model(0), recompiled(simulation, change)
    for field in ("body_subtreemass", "body_invweight0"):
        np.testing.assert_allclose(
            getattr(drawn, field)[:14], getattr(expected, field)[:14], rtol=1e-6, atol=1e-12, err_msg=field
        )
    for field in ("dof_invweight0", "dof_M0"):
        np.testing.assert_allclose(getattr(drawn, field), getattr(expected, field), rtol=1e-6, err_msg=field)
    pose = simulation.batch.bind("qpos")[0].copy()
    for one, other in zip(motion(drawn, pose), motion(expected, pose), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


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
        expected = spec.compile()
        for field in ("body_mass", "body_inertia", "body_subtreemass", "body_invweight0", "dof_invweight0", "dof_M0"):
            np.testing.assert_allclose(getattr(drawn, field), getattr(expected, field), rtol=1e-9, err_msg=field)


def test_a_shifted_centre_of_mass_equals_a_recompiled_model() -> None:
    """MuJoCo compiles a shortcut for bodies with their centre of mass at the origin; it must be disabled."""
    simulation = quadruped(1, between("center_of_mass", "-20 mm", "20 mm"))
    moved = simulation.parameters.values[0].reshape(13, 3)

    def change(spec: mujoco.MjSpec) -> None:
        for body, by in zip(spec.bodies[1:], moved, strict=True):
            body.ipos = body.ipos + by

    assert_same_inertia(simulation, change)


def test_a_payload_is_a_sphere_at_the_origin_of_its_body() -> None:
    simulation = quadruped(1, fixed("payload", "300 g", elements=["trunk"]))
    radius = (3.0 * 0.3 / (4.0 * np.pi * 2700.0)) ** (1 / 3)

    def change(spec: mujoco.MjSpec) -> None:
        ball = spec.body("trunk").add_body(name="ball")
        ball.mass, ball.inertia, ball.explicitinertial = 0.3, [0.4 * 0.3 * radius**2] * 3, True

    assert_same_inertia(simulation, change)


def test_a_payload_is_at_the_tip_and_massless_unless_drawn() -> None:
    task = load_task("so101_hold")
    none = simulate(task, 1, between("payload", "0 g", "60 g", elements=["gripper"]))
    none.parameters.put(np.arange(1), np.zeros((1, 1)), np.array([-1]))
    model = none.batch.get_model(0)
    site = none.task.robot.tip.site
    np.testing.assert_array_equal(model.body("gripper/payload").pos, model.site(site).pos)
    assert model.body("gripper/payload").mass[0] <= 1e-9


def test_body_mass_does_not_change_the_payload() -> None:
    simulation = quadruped(1, fixed("payload", "100 g", elements=["trunk"]), fixed("body_mass", 2.0))
    model = simulation.batch.get_model(0)
    assert model.body("trunk/payload").mass[0] == pytest.approx(0.1, rel=1e-12)
    assert model.body("trunk").mass[0] == pytest.approx(2.0 * 1.1, rel=1e-12)


# Motors


def test_a_stronger_motor_constant_delivers_more_torque_for_the_same_current() -> None:
    force = []
    for parameters in ([fixed("motor_constant", 1.2)], []):
        simulation = simulate(at_rest("90 deg"), 1, *parameters, seed=1)
        delivered = simulation.batch.bind("actuator_force")
        simulation.step(np.full((1, 1), 0.5, np.float32))
        force.append(float(delivered[0, 0]))
    assert force[0] == pytest.approx(1.2 * 0.3, rel=1e-6)
    assert force[1] == pytest.approx(0.3, rel=1e-6)


def test_a_hot_motor_delivers_less_torque_for_the_same_current() -> None:
    simulation = simulate(at_rest("90 deg"), 1, fixed("motor_heating", "50 K"))
    delivered = simulation.batch.bind("actuator_force")
    simulation.step(np.full((1, 1), 0.5, np.float32))
    assert float(delivered[0, 0]) == pytest.approx((1.0 - 0.0011 * 50.0) * 0.3, rel=1e-6)


# Refused parameters


def test_an_unknown_element_is_refused_with_the_valid_names() -> None:
    with pytest.raises(ConfigError, match=r"no body named 'leg'; valid: stand, arm"):
        simulate(pendulum(), 1, between("body_mass", 0.5, 1.5, elements=["leg"]))


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        (between("gravity", 0.5, 1.5, elements=["arm"]), "gravity takes no elements"),
        (between("payload", "0 g", "10 g"), "payload needs `elements`"),
        (fixed("push_speed", "1 m/s"), "no free base"),
        (fixed("terrain_roughness", "1 cm"), "free base"),
    ],
)
def test_an_inapplicable_parameter_is_refused_in_one_line(parameter: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        simulate(pendulum(), 1, parameter)
    assert str(caught.value).isprintable()
