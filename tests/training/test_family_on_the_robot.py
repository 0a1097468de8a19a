"""Every algorithm with continuous actions reaches the emulated pendulum: trained on its batch, exported, run."""

from pathlib import Path

import numpy as np
import pytest

from sim2real.configs.load import load_experiment
from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.envs.batch_env import BatchEnv
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.flash.examine import examine
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.training.algorithms import make_algorithm
from sim2real.training.export import export_policy

LOG = Path(__file__).parents[1] / "runtime/data/pendulum_swingup.mcap"
SMALL = {"hidden": "[4]", "rollout_steps": "8", "population": "4", "minibatches": "2", "value_minibatches": "2",
         "episode_steps_max": "8", "batch": "8", "buffer": "128", "warmup": "8", "iteration_steps": "4",
         "demonstrations": f"[{LOG}]", "teacher": "pendulum_swingup"}  # fmt: skip
"""Switches that make an iteration short, of those algorithms that have them."""


@pytest.mark.parametrize("name", sorted(ALGORITHMS.names))
def test_it_is_accepted_by_the_robot_and_runs_on_the_emulated_pendulum(name, tmp_path):
    known = ALGORITHMS[name].config.model_fields
    switches = ", ".join(f"{key}: {value}" for key, value in SMALL.items() if key in known)
    experiment = load_experiment("pendulum_ppo", (f"algorithm={{name: {name}, {switches}}}",))
    robot = experiment.task.robot
    environment = BatchEnv(experiment.task, experiment.randomization, 4, seed=0, threads=1)
    learner = make_algorithm(experiment.algorithm, environment, 0)
    learner.start(0)
    learner.iterate(0.0)
    seen = np.zeros((2, environment.observation_size), np.float32)
    file = export_policy(learner.policy, contract_of(experiment.task), tmp_path / "policy.onnx", {}, seen).path
    examine(file, robot)  # as a flash does
    world = lockstep(robot, plant="mujoco")
    run = run_session(OnnxPolicy(file), robot, world.hardware, world.clock, RunOptions(duration=0.1))
    assert run.ok, run.document()
