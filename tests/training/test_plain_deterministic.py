"""Laws of the updates of TD3 and DDPG that are differentiated by hand: they are those that autograd computes."""

from copy import deepcopy

import pytest
import torch

from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.ddpg import Ddpg
from sim2real.training.algorithms.plain_deterministic import PlainDdpg, PlainTd3
from sim2real.training.algorithms.td3 import Td3

KINDS = {"td3": (Td3, PlainTd3), "ddpg": (Ddpg, PlainDdpg)}
SMALL = {
    "batch": 32, "buffer": 400, "warmup": 48, "iteration_steps": 8, "updates_per_step": 0.25, "hidden": (8, 6),
    "learning_rate": 3e-3,
}  # fmt: skip
"""Two updates an iteration: one of them has the actor's part also where that is delayed."""
VARIANTS: dict[str, dict[str, object]] = {
    "relu": {"activation": "relu"},
    "tanh": {"activation": "tanh"},
    "elu": {"activation": "elu"},
    "one layer": {"hidden": (7,)},
    "no layer": {"hidden": ()},
    "symmetry, three steps": {"symmetry": "data", "n_step": 3},
}


def config_of(name, variant):
    return ALGORITHMS[name].config.model_validate({"name": name} | SMALL | VARIANTS[variant])


@pytest.fixture(params=[(name, variant) for name in KINDS for variant in VARIANTS], ids=" ".join)
def pair(request, point_environment):
    """Two learners after some updates by autograd, the second of which differentiates by hand from here on."""
    name, variant = request.param
    environments = [point_environment(8, gift=True) for _ in range(2)]
    both = zip(KINDS[name], environments, strict=True)
    one, two = (kind(config_of(name, variant), environment, 0) for kind, environment in both)
    one.start(0)
    for _ in range(8):
        one.iterate(0.0)
    two.policy.load_state_dict(one.policy.state_dict())
    two.restore(deepcopy(one.state()))
    environments[1].load_state_dict(environments[0].state_dict())
    return one, two


def of_both(learner):
    """All parameters of a learner, by name."""
    parts = {"policy": learner.policy, **learner.learned}
    return {f"{name}.{key}": value for name, part in parts.items() for key, value in part.named_parameters()}


def test_an_iteration_has_the_gradients_and_figures_of_autograd(pair):
    one, two = pair
    figures, found = (learner.iterate(0.0)[1] for learner in pair)
    assert set(figures) == set(found) > {"loss/actor", "gradient_norm/critic"}
    for name in (name for name in figures if not name.startswith("time/")):
        assert found[name] == pytest.approx(figures[name], rel=1e-4, abs=1e-5), name
    parameters, others = of_both(one), of_both(two)
    for name, parameter in parameters.items():
        gradient, other = parameter.grad, others[name].grad
        assert (gradient is None) == (other is None), name
        if gradient is not None:
            torch.testing.assert_close(other, gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_many_updates_lead_where_those_of_autograd_lead(pair):
    for _ in range(10):
        for learner in pair:
            learner.iterate(0.0)
    parameters, others = map(of_both, pair)
    for name, parameter in parameters.items():
        torch.testing.assert_close(others[name], parameter, rtol=1e-3, atol=2e-4, msg=name)


@pytest.mark.parametrize("name", KINDS)
def test_they_are_what_their_names_make(name, point_environment):
    assert type(make_algorithm(config_of(name, "relu"), point_environment(8), 0)) is KINDS[name][1]
