"""Fixtures of the runtime's tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_robot import FakeRobot, FunctionPolicy, write_model

from sim2real.configs.load import load_robot, load_task
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.runtime.contract.spec import Contract, contract_of


@pytest.fixture(scope="session")
def robot() -> RobotConfig:
    return load_robot("pendulum")


@pytest.fixture(scope="session")
def contract() -> Contract:
    return contract_of(load_task("pendulum_swingup"))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1_000_000_000)


@pytest.fixture
def fake(robot: RobotConfig, clock: VirtualClock) -> FakeRobot:
    return FakeRobot(robot, clock)


@pytest.fixture
def policy_of(contract: Contract) -> Callable[[Callable[[np.ndarray], float]], FunctionPolicy]:
    return lambda act: FunctionPolicy(contract, act)


@pytest.fixture
def model_of(tmp_path: Path, contract: Contract) -> Callable[..., Path]:
    """Write a model whose action is tanh(gain · velocity term + bias)."""

    def build(
        name: str = "policy.onnx", *, gain: float = -1.0, bias: float = 0.0, contract: Contract = contract
    ) -> Path:
        weights = np.zeros((contract.observation_size, contract.action_size))
        weights[3] = gain  # the fourth term of pendulum_swingup is the velocity
        return write_model(tmp_path / name, contract, weights, np.full(contract.action_size, bias))

    return build
