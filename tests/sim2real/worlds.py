"""Worlds for the laws of simulation: small, silent but for what a law is about, and open to inspection."""

from typing import Any

import numpy as np

from configs.load import load_task, validate
from configs.schema.randomization import RandomizationConfig
from configs.schema.task import TaskConfig
from configs.source import Sourced
from sim2real.simulation import Simulation

MS = 0.001


def randomized(*parameters: dict[str, Any], quantize: bool = False) -> RandomizationConfig:
    """A randomisation of these parameters and of nothing else."""
    data = {"name": "test", "quantize": quantize, "parameters": [dict(entry) for entry in parameters]}
    return validate(RandomizationConfig, Sourced(data))


def fixed(parameter: str, value: float | str, **more: Any) -> dict[str, Any]:
    """A parameter that has one value in every episode."""
    return {"parameter": parameter, "range": [value, value], **more}


def between(parameter: str, low: float | str, high: float | str, **more: Any) -> dict[str, Any]:
    """A parameter drawn from a range."""
    return {"parameter": parameter, "range": [low, high], **more}


def pendulum(*overrides: str) -> TaskConfig:
    """The pendulum, all of whose episodes begin where `reset` says."""
    return load_task("pendulum_swingup", ("reset.start_pose_share=0", *overrides))


def at_rest(angle: str, *overrides: str) -> TaskConfig:
    """The pendulum, whose episodes begin at rest at one angle."""
    return pendulum(f"reset.position=[{angle}, {angle}]", "reset.velocity=[0 rad/s, 0 rad/s]", *overrides)


def started(simulation: Simulation) -> Simulation:
    simulation.begin(np.arange(simulation.n))
    return simulation


def simulate(task: TaskConfig, n: int, *parameters: dict[str, Any], seed: int = 0, **more: Any) -> Simulation:
    """Simulations of a task in a world with these parameters, each at the start of an episode."""
    return started(Simulation(task, randomized(*parameters), n, seed=seed, **more))


def idle(simulation: Simulation) -> np.ndarray:
    """Actions that ask for nothing."""
    return np.zeros((simulation.n, simulation.contract.action_size), np.float32)


def actions(rng: np.random.Generator, n: int, width: int = 1) -> np.ndarray:
    return rng.uniform(-1.0, 1.0, (n, width)).astype(np.float32)


def qpos(simulation: Simulation) -> np.ndarray:
    """Live."""
    return simulation.batch.bind("qpos")


def qvel(simulation: Simulation) -> np.ndarray:
    """Live."""
    return simulation.batch.bind("qvel")
