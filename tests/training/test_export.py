"""Laws of export: the file agrees with torch and contains the contract, or is not written."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.off_policy import SacConfig, Td3Config
from sim2real.runtime.contract.manifest import from_metadata
from sim2real.runtime.contract.spec import contract_of
from sim2real.training import export
from sim2real.training.export import PARITY_MAX, export_policy
from sim2real.training.policy import Policy

CONTRACT = contract_of(load_task("pendulum_swingup"))
SIZE = CONTRACT.observation_size
CONFIGS = [
    PpoConfig(name="ppo"),
    PpoConfig(name="ppo", activation="elu", hidden=(32, 16, 8)),
    PpoConfig(name="ppo", hidden=()),
    SacConfig(name="sac"),
    Td3Config(name="td3"),
]


def policy_of(config):
    generator = torch.Generator().manual_seed(3)
    policy = Policy(config, SIZE, CONTRACT.action_size, generator, squash=config.name != "ppo")
    with torch.no_grad():
        policy.head.weight.mul_(50.0)  # action size of a trained policy
    policy.normalizer.update(torch.randn(1000, SIZE, generator=generator) * 3.0 + 2.0)
    return policy


def observations(n=256):
    return np.random.default_rng(0).normal(2.0, 3.0, (n, SIZE)).astype(np.float32)


@pytest.mark.parametrize("config", CONFIGS, ids=["tanh", "elu", "linear", "sac", "td3"])
def test_the_file_agrees_with_torch_and_carries_the_contract(config, tmp_path):
    policy = policy_of(config)
    report = export_policy(policy, CONTRACT, tmp_path / "policy.onnx", {"seed": "3"}, observations())
    assert report.parity <= PARITY_MAX
    assert report.size_bytes == report.path.stat().st_size
    assert [entry.name for entry in tmp_path.iterdir()] == ["policy.onnx"]
    session = onnxruntime.InferenceSession(report.path)
    contract, provenance = from_metadata(session.get_modelmeta().custom_metadata_map)
    assert contract == CONTRACT
    assert provenance == {"seed": "3"}
    for n in (1, 7):
        seen = observations(n)
        found = session.run(["action"], {"observation": seen})[0]
        np.testing.assert_allclose(found, policy.act(seen), atol=PARITY_MAX, rtol=0)


def test_normalisation_is_inside_the_graph(tmp_path):
    report = export_policy(policy_of(CONFIGS[0]), CONTRACT, tmp_path / "policy.onnx", {}, observations())
    nodes = [node.op_type for node in onnx.load(report.path).graph.node]
    assert nodes == ["Sub", "Mul", "Gemm", "Tanh", "Gemm", "Tanh", "Gemm"]


def test_a_model_that_differs_is_not_written(tmp_path, monkeypatch):
    policy = policy_of(CONFIGS[0])
    build = export.policy_model

    def wrong(policy, metadata):
        with torch.no_grad():
            policy.head.bias.add_(1e-4)
            model = build(policy, metadata)
            policy.head.bias.sub_(1e-4)
        return model

    monkeypatch.setattr(export, "policy_model", wrong)
    with pytest.raises(UserError, match=r"differ by (0\.0001|9\.99e-05|0\.0001\d*)"):
        export_policy(policy, CONTRACT, tmp_path / "policy.onnx", {}, observations())
    assert list(tmp_path.iterdir()) == []


def test_a_policy_that_is_not_finite_is_not_written(tmp_path):
    policy = policy_of(CONFIGS[0])
    with torch.no_grad():
        policy.head.bias.fill_(float("nan"))
    with pytest.raises(UserError, match=r"policy\.head\.bias is nan"):
        export_policy(policy, CONTRACT, tmp_path / "policy.onnx", {}, observations())
    assert list(tmp_path.iterdir()) == []


def test_parity_needs_observations_of_the_contract(tmp_path):
    for wrong in (observations()[:0], observations()[:, :1]):
        with pytest.raises(UserError, match="parity needs observations"):
            export_policy(policy_of(CONFIGS[0]), CONTRACT, tmp_path / "policy.onnx", {}, wrong)
