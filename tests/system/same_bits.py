"""What seeded parts of the stack compute, as digests: simulation, emulated runs, learners.

`python tests/system/same_bits.py` prints them as JSON. They are equal on machines with the same arithmetic, which
`arithmetic()` tells apart: a processor with other vector instructions rounds some functions differently.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.configs.library import shipped, shipped_policies
from sim2real.configs.load import load_experiment, load_randomization, load_robot, load_task

_STEPS = 80
_ENVIRONMENTS = 5
_RUN_S = 1.5
_ITERATIONS = 2


def arithmetic() -> str:
    """Return a digest of this machine's arithmetic, and of the libraries that compute."""
    import mujoco
    import onnxruntime
    import torch

    random = np.random.default_rng(0)
    digest = hashlib.sha256()
    for value in (np.__version__, mujoco.__version__, torch.__version__, onnxruntime.__version__):
        digest.update(value.encode())
    for dtype in (np.float32, np.float64):
        a = random.standard_normal((64, 64)).astype(dtype)
        for result in (np.exp(a), np.sin(a), np.tanh(a), a @ a, np.hypot(a, a.T), np.einsum("ij,ij->i", a, a)):
            digest.update(result.tobytes())
        t = torch.from_numpy(a)
        for tensor in (t @ t, torch.tanh(t), torch.exp(t), torch.nn.functional.elu(t), torch.log(t.abs())):
            digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:16]


def simulation(task_name: str, randomization: str) -> str:
    """Step a few environments with random actions."""
    from sim2real.simulation.simulation import Simulation

    simulated = Simulation(load_task(task_name), load_randomization(randomization), _ENVIRONMENTS, seed=3, threads=2)
    ids = np.arange(_ENVIRONMENTS)
    simulated.episodes.begin(ids)
    simulated.begin(ids)
    random, digest = np.random.default_rng(7), hashlib.sha256()
    out = simulated.transition
    for _ in range(_STEPS):
        action = random.uniform(-1.2, 1.2, (_ENVIRONMENTS, simulated.contract.action_size)).astype(np.float32)
        ended = simulated.step(action)
        if len(ended):
            simulated.finish(ended)
            simulated.episodes.begin(ended)
            simulated.begin(ended)
        for values in (out.observation, out.privileged, out.reward, out.terminated, out.truncated):
            digest.update(values.tobytes())
    return digest.hexdigest()[:16]


def emulated_run(policy_name: str) -> str:
    """Run a shipped policy on its emulated robot in lockstep: every reading, observation and action."""
    from sim2real.configs.policy_reference import find_policy
    from sim2real.runtime.emulation import lockstep
    from sim2real.runtime.policy import OnnxPolicy
    from sim2real.runtime.run_options import RunOptions
    from sim2real.runtime.session import run_session

    policy = OnnxPolicy(find_policy(policy_name))
    robot = load_robot(policy.contract.robot.name)
    world = lockstep(robot, plant="mujoco")
    digest = hashlib.sha256()

    def watch(controller: Any) -> None:
        record = controller.record
        digest.update(record.joints.position.tobytes())
        digest.update(record.joints.velocity.tobytes())
        digest.update(record.observation.tobytes())
        digest.update(record.action.tobytes())

    options = RunOptions(duration=_RUN_S, on_tick=watch)
    run_session(policy, robot, world.hardware, world.clock, options)
    return digest.hexdigest()[:16]


def learner(experiment_name: str, overrides: tuple[str, ...]) -> str:
    """Train for a few iterations: weights, and the figures of the curriculum."""
    import torch

    from sim2real.envs.batch_env import BatchEnv
    from sim2real.training.algorithms import make_algorithm

    torch.set_num_threads(1)
    experiment = load_experiment(experiment_name, overrides)
    environment = BatchEnv(
        experiment.training_task,
        experiment.randomization,
        experiment.environments,
        seed=experiment.seed,
        threads=2,
        curriculum=experiment.curriculum,
    )
    algorithm = make_algorithm(experiment.algorithm, environment, experiment.seed)
    algorithm.start(experiment.seed)
    for iteration in range(_ITERATIONS):
        algorithm.iterate(iteration / _ITERATIONS)
    digest = hashlib.sha256()
    for tensor in algorithm.policy.state_dict().values():
        digest.update(np.ascontiguousarray(tensor.numpy()).tobytes())
    digest.update(json.dumps(environment.curriculum_figures(), sort_keys=True).encode())
    return digest.hexdigest()[:16]


_SMALL_OFF_POLICY = ("environments=8", "algorithm.warmup=64", "threads=2")  # so that both iterations have updates
_SMALL_PPO = ("environments=16", "algorithm.rollout_steps=16", "algorithm.epochs=2", "threads=2")


def parts() -> Iterator[tuple[str, Callable[[], str]]]:
    """Name every digest and how it is made."""
    for name in shipped("experiments"):
        experiment = load_experiment(name)
        task, randomization = experiment.task.name, experiment.randomization.name
        yield f"simulation/{task}/{randomization}", lambda t=task, r=randomization: simulation(t, r)
        overrides = _SMALL_PPO if experiment.algorithm.name == "ppo" else _SMALL_OFF_POLICY
        yield f"learner/{name}", lambda n=name, o=overrides: learner(n, o)
    for name in shipped("tasks"):
        yield f"simulation/{name}/none", lambda n=name: simulation(n, "none")
    for name in shipped_policies():
        yield f"run/{name}", lambda n=name: emulated_run(n)


def digests() -> dict[str, str]:
    """Return every digest by name."""
    return {name: make() for name, make in parts()}


if __name__ == "__main__":
    document = {"arithmetic": arithmetic(), "digests": digests()}
    text = json.dumps(document, indent=2) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
