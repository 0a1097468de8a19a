"""Laws of the update of PPO whose gradients are by hand: it is the one that autograd computes."""

from copy import deepcopy

import pytest
import torch

from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.plain_ppo import PlainPpo
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.flat_adam import flat_state

PPO = {
    "name": "ppo", "rollout_steps": 12, "minibatches": 3, "epochs": 2, "hidden": (8, 6), "learning_rate": 3e-3,
    "entropy_weight": 0.01, "gradient_norm_max": 0.7, "target_kl": None, "activation": "tanh",
}  # fmt: skip
VARIANTS: dict[str, dict[str, object]] = {
    "relu": {"activation": "relu"},
    "tanh": {},
    "elu": {"activation": "elu"},
    "one layer": {"hidden": (7,)},
    "no layer": {"hidden": ()},
    "rate that follows the divergence": {"target_kl": 0.004},
    "values in units of reward": {"normalize_values": False},
    "one advantage for all epochs": {"recompute_advantages": False},
    "hardly clipped gradients": {"gradient_norm_max": 1e9},
    "narrow clip": {"clip": 0.005, "epochs": 4},
    "bounded deviation": {"std_range": (0.2, 0.9)},
    "symmetry": {"symmetry": "data"},
    "minibatches of several sizes": {"rollout_steps": 11, "minibatches": 5},
    "wide": {"hidden": (256, 200), "minibatches": 1, "rollout_steps": 100},
}


@pytest.fixture(params=VARIANTS)
def pair(request, point_environment):
    """Two learners after some iterations by autograd, the second of which has gradients by hand from here on."""
    config = PpoConfig.model_validate(PPO | VARIANTS[request.param])
    environments = [point_environment(8, gift=True) for _ in range(2)]
    one, two = (kind(config, environment, 0) for kind, environment in zip((Ppo, PlainPpo), environments, strict=True))
    one.start(0)
    for _ in range(3):
        one.iterate(0.0)
    two.policy.load_state_dict(one.policy.state_dict())
    two.restore(deepcopy(one.state()))
    environments[1].load_state_dict(environments[0].state_dict())
    return one, two


def parameters_of(learner):
    modules = {"policy": learner.policy, "value": learner.value, "distribution": learner.distribution}
    return {f"{name}.{key}": one for name, part in modules.items() for key, one in part.named_parameters()}


def test_iterations_have_the_figures_of_autograd_and_lead_to_the_same_weights(pair):
    one, two = pair
    for _ in range(2):
        (_, expected), (_, found) = (learner.iterate(0.3) for learner in pair)
        assert expected.keys() == found.keys()
        for name in expected.keys() - {"time/collect_s", "time/learn_s"}:
            assert found[name] == pytest.approx(expected[name], rel=2e-3, abs=2e-5), name
    for (name, expected), found in zip(parameters_of(one).items(), parameters_of(two).values(), strict=True):
        assert torch.allclose(expected, found, rtol=1e-3, atol=1e-4), name
    assert one.state()["optimizer"]["param_groups"][0]["lr"] == two.state()["optimizer"]["param_groups"][0]["lr"]


def test_one_minibatch_has_the_gradients_of_autograd(pair):
    one, _ = pair
    for learner in pair:
        learner.collect()
    rollout = one.rollout
    rows = torch.arange(len(rollout.reward.flatten()))
    generator = torch.Generator().manual_seed(3)
    of_step = [torch.randn(rollout.reward.shape, generator=generator) for _ in range(2)]
    old = one.distribution.frozen()
    log_prob = old.log_prob(rollout.output, rollout.action) + 0.3 * torch.randn(
        rollout.reward.shape, generator=generator
    )
    columns = rollout.action, rollout.output, log_prob.detach(), *of_step
    gradients = []
    for learner in pair:
        (batch,) = learner.rollout.minibatches(columns, 1, torch.Generator().manual_seed(0), sequences=False)
        assert len(batch.inputs) == len(rows)
        with torch.no_grad():
            for parameter in parameters_of(learner).values():
                parameter.grad = None if learner is one else parameter.grad
        learner.gradients(old, batch)
        gradients.append({name: each.grad.clone() for name, each in parameters_of(learner).items()})
    for name, expected in gradients[0].items():
        assert torch.allclose(gradients[1][name], expected, rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize(
    ("changes", "kind", "environment"),
    [
        ({}, PlainPpo, {}),
        ({"memory": {"kind": "gru", "size": 4}}, Ppo, {}),
        ({"symmetry": "loss"}, Ppo, {}),
        ({"anchor": {"share": 0.5}}, Ppo, {}),
        ({"value_first": 2}, Ppo, {}),
        ({}, Ppo, {"choosing": True}),
        ({}, Ppo, {"costly": True}),
    ],
)
def test_what_is_not_known_by_hand_is_differentiated_by_autograd(changes, kind, environment, point_environment):
    learner = make_algorithm(PpoConfig.model_validate(PPO | changes), point_environment(8, **environment), 0)
    assert type(learner) is kind


def test_a_run_of_before_the_parameters_were_in_one_block_goes_on(point_environment):
    config = PpoConfig.model_validate(PPO)
    before = Ppo(config, point_environment(8), 0)
    before.start(0)
    before.iterate(0.0)
    saved = before.state()["optimizer"]
    (joined,) = flat_state(saved)["state"].values()
    assert torch.equal(joined["exp_avg"], torch.cat([each["exp_avg"].flatten() for each in saved["state"].values()]))
    assert joined["step"] == saved["state"][0]["step"]
    once = flat_state(saved)
    assert flat_state(once) is once
