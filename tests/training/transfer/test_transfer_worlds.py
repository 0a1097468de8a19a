"""Laws of a study's worlds: they are as in the YAML, and training never draws them."""

import numpy as np
import pytest

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import load_transfer
from sim2real.configs.schema.curriculum import FixedCurriculumConfig
from sim2real.curriculum.make import make_curriculum
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.envs.batch_env import BatchEnv
from sim2real.training.transfer import performance
from sim2real.training.transfer.performance import WorldPerformance, evaluate_in_world
from sim2real.training.transfer.runs import runs_of, strategies_of
from sim2real.training.transfer.worlds import exclude_held_out, worlds_of

STUDY = load_transfer("sim_to_sim")
TASKS = {task.experiment.task.name: task for task in STUDY.tasks}


def worlds(name, study=STUDY):
    experiment = TASKS[name].experiment
    return worlds_of(study.worlds, experiment.task, experiment.randomization)


@pytest.mark.parametrize("name", TASKS)
def test_no_strategy_draws_a_held_out_value(name):
    found, _ = worlds(name)
    pins = [pin for world in found.values() if world.config.held_out for pin in world.pins.items()]
    assert pins
    for run in runs_of(STUDY, TASKS[name], found.values(), strategies_of(STUDY, TASKS[name]), [0]):
        for entry in run.experiment.randomization.parameters:
            low, high = entry.hard_limits
            assert low <= entry.bounds[0] <= entry.calibration <= entry.bounds[1] <= high
            for parameter, value in pins:
                assert parameter != entry.parameter or not low <= value <= high


def test_the_widest_fixed_level_stays_within_half_the_way_to_a_world():
    found, _ = worlds("quadruped_walk")
    entries = exclude_held_out(TASKS["quadruped_walk"].experiment.randomization, found.values()).parameters
    space = ParameterSpace.of(entries, [1] * len(entries))
    curriculum = make_curriculum(FixedCurriculumConfig(strategy="fixed", level=4.0), space)
    ends = np.repeat([[0.0], [1.0 - 1e-12]], curriculum.uniforms, axis=1)
    low, high = dict(zip(space.names, curriculum.draw(ends)[0].T, strict=True))["controller_stiffness"]
    # The range is 0.8 to 1.2, the worlds are at 0.5 and 2.
    assert (low, high) == pytest.approx((0.65, 1.6))


def test_an_episode_in_a_world_has_its_value_and_its_physics():
    found, _ = worlds("quadruped_walk")
    late = found["late"]
    record = BatchEnv(late.task, late.randomization, 2, threads=1).simulation.parameters.space
    assert {name: late.pins[name] for name in ("action_latency", "joint_latency", "imu_latency")} == {
        "action_latency": pytest.approx(0.06),
        "joint_latency": pytest.approx(0.03),
        "imu_latency": pytest.approx(0.03),
    }
    environment = BatchEnv(late.task, late.randomization, 2, threads=1)
    environment.reset_arrays(0)
    drawn = environment.simulation.parameters.record(0)
    assert drawn["action_latency"] == [pytest.approx(0.06)]
    assert "ground_friction" in record.names
    physics, trained = found["integrator"].task.physics, TASKS["quadruped_walk"].experiment.task.physics
    assert (physics.integrator, physics.timestep) == ("RK4", trained.timestep / 2)
    arm = worlds("so101_reach")[0]["lugre"]
    assert arm.task.physics.friction == "lugre" != trained.friction
    assert arm.randomization.entry("joint_friction") is None


@pytest.mark.parametrize("name", TASKS)
def test_every_world_of_every_task_can_be_played(name):
    for world in worlds(name)[0].values():
        if not world.config.emulator:
            environment = BatchEnv(world.task, world.randomization, 2, threads=1)
            environment.reset_arrays(0)
            actions = np.zeros((2, environment.action_size), np.float32)
            transition = [environment.step_arrays(actions) for _ in range(3)][-1]
            assert np.isfinite(transition.observation).all()


def test_the_calibrated_world_has_one_robot_and_the_believed_one_is_as_trained():
    found, _ = worlds("so101_reach")
    randomization = TASKS["so101_reach"].experiment.randomization
    assert found["believed"].randomization.parameters == randomization.parameters
    for entry, trained in zip(found["calibrated"].randomization.parameters, randomization.parameters, strict=True):
        assert entry.bounds == pytest.approx((trained.calibration, trained.calibration))
    assert not found["calibrated"].config.held_out


def test_an_inapplicable_world_is_left_out_with_the_reason():
    _, left_out = worlds("pendulum_swingup")
    assert left_out == {
        "half_gain": "the policy commands effort, not positions",
        "double_gain": "the policy commands effort, not positions",
        "rough": "the robot's base is fixed",
    }
    found, left_out = worlds("quadruped_walk")
    assert left_out == {}
    assert found["pushes"].pins == {"push_speed": 1.0}
    assert worlds("so101_reach")[0]["pushes"].pins == {"wrench_acceleration": 5.0}


def test_a_held_out_world_within_the_range_is_refused():
    study = load_transfer(
        "sim_to_sim", ("worlds=[{name: w, description: d, changes: [{parameter: body_mass, value: 1.1}]}]",)
    )
    found, _ = worlds("quadruped_walk", study)
    with pytest.raises(UserError, match=r"body_mass from 0\.8 to 1\.2, which contains 1\.1; valid: a value outside"):
        exclude_held_out(TASKS["quadruped_walk"].experiment.randomization, found.values())


@pytest.mark.parametrize(
    ("worlds_yaml", "said"),
    [
        ("[{name: w, description: d, changes: [{parameter: body_mass}]}]", "give `value` or `times`"),
        ("[{name: w, description: d, changes: [{parameter: action_latency, value: 3}]}]", "no unit"),
        ("[{name: w, description: d, emulator: true, friction: lugre}]", "without changes"),
        ("[{name: w, description: d, held_out: false}]", "at least one must be held out"),
        ("[{name: w, description: d}, {name: w, description: d}]", "'w' is given twice"),
    ],
)
def test_a_wrong_study_costs_one_line(worlds_yaml, said):
    with pytest.raises(ConfigError) as caught:
        load_transfer("sim_to_sim", (f"worlds={worlds_yaml}",))
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_every_environment_counts_once_and_the_same_seed_gives_the_same_figures():
    found, _ = worlds("pendulum_swingup")
    task = found["believed"].task.model_copy(update={"episode_duration": 0.5})

    def act(observation):
        return np.zeros((len(observation), 1), np.float32)

    first, again = (
        evaluate_in_world(act, task, found["believed"].randomization, 5, seed=3, threads=1) for _ in range(2)
    )
    assert first == again
    assert (first.episodes, first.survival) == (5, 1.0)
    assert first != evaluate_in_world(act, task, found["believed"].randomization, 5, seed=4, threads=1)


def test_the_share_that_diverged_is_of_the_episodes_that_count(monkeypatch):
    """It once counted those that began anew after a short one, too: a world that broke one robot twice broke two."""
    found, _ = worlds("pendulum_swingup")
    task = found["believed"].task.model_copy(update={"episode_duration": 0.5})

    class Breaking(BatchEnv):
        steps = 0

        def step_arrays(self, actions):
            self.steps += 1
            if self.steps in (2, 5, 9):
                self.simulation.batch.bind("qpos")[1] = np.nan
            return super().step_arrays(actions)

    monkeypatch.setattr(performance, "BatchEnv", Breaking)

    def act(observation):
        return np.zeros((len(observation), 1), np.float32)

    broken = evaluate_in_world(act, task, found["believed"].randomization, 4, seed=3, threads=1)
    assert broken.diverged == 0.25
    assert broken.survival == 0.75


def test_means_of_two_episodes_by_hand():
    performance = WorldPerformance.of(
        [
            {"performance": 1.0, "terminated": 0.0, "success": 1.0, "metric/error": 0.2, "metric/lift": float("nan")},
            {
                "performance": 0.5,
                "terminated": 1.0,
                "success": 0.0,
                "metric/error": float("nan"),
                "metric/lift": float("nan"),
            },
        ]
    )
    assert (performance.performance, performance.survival, performance.success) == (0.75, 0.5, 0.5)
    assert performance.metrics["error"] == 0.2
    read = WorldPerformance.from_document(performance.document())
    assert read.document() == performance.document()
    assert np.isnan(read.metrics["lift"])
