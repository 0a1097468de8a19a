"""Laws of the update of SAC that is differentiated by hand: it is the one that autograd computes."""

from copy import deepcopy

import pytest
import torch

from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.plain_sac import PlainSac
from sim2real.training.algorithms.sac import Sac

SAC = {
    "name": "sac", "batch": 32, "buffer": 400, "warmup": 48, "iteration_steps": 8, "updates_per_step": 0.125,
    "hidden": (8, 6), "learning_rate": 3e-3,
}  # fmt: skip
"""One update an iteration."""
VARIANTS: dict[str, dict[str, object]] = {
    "relu": {"activation": "relu"},
    "tanh": {"activation": "tanh"},
    "elu": {"activation": "elu"},
    "one layer": {"hidden": (7,)},
    "no layer": {"hidden": ()},
    "temperature that stays": {"learn_temperature": False},
    "symmetry, three steps": {"symmetry": "data", "n_step": 3},
}


@pytest.fixture(params=VARIANTS)
def pair(request, point_environment):
    """Two learners after some updates by autograd, the second of which differentiates by hand from here on."""
    config = SacConfig.model_validate(SAC | VARIANTS[request.param])
    environments = [point_environment(8, gift=True) for _ in range(2)]
    one, two = (kind(config, environment, 0) for kind, environment in zip((Sac, PlainSac), environments, strict=True))
    one.start(0)
    for _ in range(8):
        one.iterate(0.0)
    with torch.no_grad():  # some deviations are at their bounds, beyond which they have no gradient
        one.log_std_head.weight.mul_(300.0)
    two.policy.load_state_dict(one.policy.state_dict())
    two.restore(deepcopy(one.state()))
    environments[1].load_state_dict(environments[0].state_dict())
    return one, two


def of_both(learner):
    """All parameters of a learner, by name."""
    parts = {"policy": learner.policy, **learner.learned}
    found = {}
    for name, part in parts.items():
        found |= (
            {name: part}
            if isinstance(part, torch.nn.Parameter)
            else {f"{name}.{key}": value for key, value in part.named_parameters()}
        )
    return found


def test_one_update_has_the_gradients_and_figures_of_autograd(pair):
    one, two = pair
    figures, found = (learner.iterate(0.0)[1] for learner in pair)
    assert set(figures) == set(found) > {"loss/actor", "gradient_norm/critic"}
    for name in (name for name in figures if not name.startswith("time/")):
        assert found[name] == pytest.approx(figures[name], rel=1e-5, abs=1e-6), name
    parameters, others = of_both(one), of_both(two)
    assert set(parameters) == set(others)
    for name, parameter in parameters.items():
        gradient, other = parameter.grad, others[name].grad
        assert (gradient is None) == (other is None), name
        if gradient is not None:
            torch.testing.assert_close(other, gradient, rtol=1e-5, atol=1e-6, msg=name)


def test_many_updates_lead_where_those_of_autograd_lead(pair):
    for _ in range(10):
        for learner in pair:
            learner.iterate(0.0)
    parameters, others = map(of_both, pair)
    for name, parameter in parameters.items():
        torch.testing.assert_close(others[name], parameter, rtol=1e-3, atol=1e-4, msg=name)


def test_a_gradient_stops_where_a_deviation_is_at_its_bound(point_environment):
    learner = PlainSac(SacConfig.model_validate(SAC | {"updates_per_step": 1.0}), point_environment(8), 0)
    learner.start(0)
    with torch.no_grad():
        learner.log_std_head.bias.fill_(5.0)
    for _ in range(4):
        learner.iterate(0.0)
    assert learner.log_std_head.weight.grad.abs().max() == 0.0
    assert learner.policy.head.weight.grad.abs().max() > 0.0


@pytest.mark.parametrize(
    ("update", "kind"), [({}, PlainSac), ({"value_network": True}, Sac), ({"memory": {"kind": "gru"}}, None)]
)
def test_it_is_taken_where_networks_are_plain(update, kind, point_environment):
    learner = make_algorithm(SacConfig.model_validate(SAC | update), point_environment(8), 0)
    assert type(learner) is kind if kind else not isinstance(learner, PlainSac)
