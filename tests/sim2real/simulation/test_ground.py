"""Laws of the ground: gravity and attitude on a slope, heights of rough ground."""

import mujoco
import numpy as np
import pytest
from worlds import between, fixed, idle, qpos, qvel, simulate

from sim2real.configs.load import load_task
from sim2real.configs.schema.task import TaskConfig
from sim2real.model.injection import add_terrain
from sim2real.model.terrain import TERRAIN, Terrain
from sim2real.simulation.model_options import terrain_of
from sim2real.simulation.simulation import Simulation

GRAVITY = 9.81


def quadruped(*overrides: str) -> TaskConfig:
    still = ("reset.position=[0 deg, 0 deg]", "terminations=[]")
    return load_task("quadruped_stand", (*still, *overrides))


def seen_gravity(simulation: Simulation) -> np.ndarray:
    return simulation.transition.observation[:, :3]


def yaw(simulation: Simulation) -> np.ndarray:
    w, z = qpos(simulation)[:, 3], qpos(simulation)[:, 6]
    return 2.0 * np.arctan2(z, w)


# Slope


def test_on_a_slope_gravity_keeps_its_size_and_tilts_by_the_angle_in_every_heading() -> None:
    simulation = simulate(quadruped(), 400, fixed("ground_slope", "10 deg"))
    gravity = simulation.batch.expand("opt.gravity")
    np.testing.assert_allclose(np.linalg.norm(gravity, axis=1), GRAVITY, rtol=1e-12)
    np.testing.assert_allclose(gravity[:, 2], -GRAVITY * np.cos(np.deg2rad(10.0)), rtol=1e-12)
    quarter = np.floor(np.arctan2(gravity[:, 1], gravity[:, 0]) / (np.pi / 2)).astype(int)
    assert all(np.sum(quarter == each) > 60 for each in (-2, -1, 0, 1))


def test_a_robot_standing_on_a_slope_sees_the_slope() -> None:
    """Its IMU reads gravity in its own frame, for any heading of robot and slope."""
    simulation = simulate(quadruped(), 50, fixed("ground_slope", "8 deg"), seed=2)
    gravity = simulation.batch.expand("opt.gravity") / GRAVITY
    for _ in range(2):
        heading = yaw(simulation)
        cosine, sine = np.cos(heading), np.sin(heading)
        expected = np.stack(
            (
                cosine * gravity[:, 0] + sine * gravity[:, 1],
                cosine * gravity[:, 1] - sine * gravity[:, 0],
                gravity[:, 2],
            ),
            axis=1,
        )
        np.testing.assert_allclose(seen_gravity(simulation), expected, atol=1e-6)
        simulation.begin(np.arange(50))
        gravity = simulation.batch.expand("opt.gravity") / GRAVITY


def test_a_robot_in_the_air_falls_along_the_slope_s_gravity() -> None:
    simulation = simulate(quadruped(), 20, fixed("ground_slope", "15 deg"), seed=2)
    qpos(simulation)[:, 2] = 5.0
    simulation.step(idle(simulation))
    gravity = simulation.batch.expand("opt.gravity")
    momentum = np.zeros((20, 3))
    for sim in range(20):
        model, data = simulation.batch.get_model(sim), simulation.batch.get_data(sim)
        mujoco.mj_forward(model, data)
        mujoco.mj_subtreeVel(model, data)
        momentum[sim] = data.subtree_linvel[0]
    np.testing.assert_allclose(momentum, gravity / 50.0, rtol=1e-6, atol=1e-9)


def test_a_slope_tilts_the_drawn_gravity_without_accumulating_over_episodes() -> None:
    parameters = fixed("ground_slope", "10 deg"), fixed("gravity", 0.5)
    simulation = simulate(quadruped(), 8, *parameters)
    for _ in range(50):
        simulation.begin(np.arange(8))
    size = np.linalg.norm(simulation.batch.expand("opt.gravity"), axis=1)
    np.testing.assert_allclose(size, 0.5 * GRAVITY, rtol=1e-12)
    flat = simulate(quadruped(), 2, fixed("ground_slope", "0 deg"), fixed("gravity_vector", "1 m/s^2"))
    np.testing.assert_allclose(flat.batch.expand("opt.gravity"), [[1.0, 1.0, 1.0 - GRAVITY]] * 2, rtol=1e-12)


def test_the_slope_does_not_drift_over_a_thousand_episodes() -> None:
    """Once gravity was tilted from that of the last episode, and rounding errors accumulated."""
    simulation = simulate(quadruped(), 1, fixed("ground_slope", "7 deg"))
    record = simulation.record(0)
    first = simulation.batch.expand("opt.gravity").copy()
    for _ in range(30):
        simulation.begin(np.arange(1))
    simulation.replay(0, record)
    np.testing.assert_array_equal(simulation.batch.expand("opt.gravity"), first)


# Rough ground

LEVELS = np.array([0.0, 0.02, 0.05])


@pytest.mark.parametrize("levels", [LEVELS, np.array([0.03]), np.array([0.0])], ids=["three", "one", "flat"])
def test_the_height_of_the_ground_is_where_a_ray_hits_it(levels: np.ndarray) -> None:
    terrain = Terrain.of(levels)
    spec = mujoco.MjSpec.from_string('<mujoco><worldbody><geom type="plane" size="1 1 .1"/></worldbody></mujoco>')
    add_terrain(spec, terrain)
    model = spec.compile()
    assert model.ngeom == 1  # the plane is removed
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    places = np.random.default_rng(0).uniform(-0.99, 0.99, (500, 2)) * np.array(terrain.size)
    hit, geom = np.zeros(500), np.zeros(1, np.int32)
    for row, place in enumerate(places):
        above = np.array([*place, 1.0])
        hit[row] = 1.0 - mujoco.mj_ray(model, data, above, np.array([0.0, 0.0, -1.0]), None, 1, -1, geom, None)
    np.testing.assert_allclose(terrain.height(places), hit, atol=1e-6)
    assert np.abs(hit).max() <= levels[-1] + 1e-6


def test_episodes_begin_well_inside_the_strip_of_their_roughness() -> None:
    terrain = Terrain.of(LEVELS)
    level = terrain.level_of(np.array([0.0, 0.009, 0.011, 0.02, 0.04, 0.05]))
    assert level.tolist() == [0, 0, 1, 1, 2, 2]
    uniform = np.random.default_rng(0).random((600, 2))
    places = terrain.start_positions(np.repeat(level, 100), uniform)
    width = 2.0 * terrain.size[0] / len(LEVELS)
    strip = (places[:, 0] + terrain.size[0]) / width
    assert np.array_equal(np.floor(strip).astype(int), np.repeat(level, 100))
    assert (np.abs(strip - np.floor(strip) - 0.5) < 0.25).all()
    assert (np.abs(places[:, 1]) < 0.5 * terrain.size[1]).all()


def test_heights_are_within_the_roughness_of_their_strip() -> None:
    terrain = Terrain.of(LEVELS)
    width = 2.0 * terrain.size[0] / len(LEVELS)
    for strip, roughness in enumerate(LEVELS):
        middle = np.random.default_rng(0).uniform(-0.4, 0.4, (2000, 2)) * [width, terrain.size[1]]
        middle[:, 0] += (strip + 0.5) * width - terrain.size[0]
        heights = terrain.height(middle)
        assert np.abs(heights).max() <= roughness
        assert np.abs(heights).max() >= 0.8 * roughness


def test_a_robot_starts_above_the_ground_of_its_level_and_stands_on_it() -> None:
    simulation = simulate(quadruped(), 24, between("terrain_roughness", "0 m", "4 cm"), seed=1)
    drawn = simulation.parameters.array("terrain_roughness")[:, 0]
    terrain = terrain_of(simulation.randomization)
    assert terrain is not None
    place = qpos(simulation)[:, :2]
    strip = np.floor((place[:, 0] + terrain.size[0]) / (2.0 * terrain.size[0]) * len(terrain.levels)).astype(int)
    assert (np.abs(terrain.levels[strip] - drawn) <= 0.5 * np.diff(terrain.levels)[0] + 1e-9).all()

    def feet(sim: int) -> tuple[np.ndarray, mujoco.MjData]:
        model, data = simulation.batch.get_model(sim), simulation.batch.get_data(sim)
        mujoco.mj_forward(model, data)
        names = simulation.task.robot.feet
        return np.array([data.geom(name).xpos for name in names]), data

    radius = 0.015
    for sim in range(24):
        places, data = feet(sim)
        assert (places[:, 2] - radius >= terrain.height(places[:, :2]) - 1e-3).all()
        assert data.ncon == 0 or data.contact.dist.min() > -2e-3
    for _ in range(100):
        simulation.step(idle(simulation))
    touching = 0
    for sim in range(24):
        places, data = feet(sim)
        ground = data.geom(TERRAIN).id
        touched = {int(pair.max()) for pair in data.contact.geom if ground in pair and data.ncon}
        touching += len(touched)
        for geom in touched:
            # A sphere on a facet: its centre is above the ground, by at most a radius.
            at = data.geom_xpos[geom]
            if simulation.batch.model.geom(geom).name in simulation.task.robot.feet:
                above = at[2] - terrain.height(at[:2])
                assert 0.0 < above < 1.6 * radius
    assert touching > 24 * 2
    assert (np.abs(qvel(simulation)[:, :3]).max(axis=1) < 1.0).all()


def test_the_height_of_the_base_counts_from_the_ground_under_it() -> None:
    task = quadruped("rewards=[{term: base_height, weight: 1.0, scale: 0.2}]")
    simulation = simulate(task, 8, fixed("terrain_roughness", "5 cm"), seed=1)
    simulation.step(idle(simulation))
    place = qpos(simulation)[:, :3]
    terrain = terrain_of(simulation.randomization)
    assert terrain is not None
    np.testing.assert_allclose(simulation.state.base.height, place[:, 2] - terrain.height(place[:, :2]), atol=1e-12)
