"""Laws of the anchor, by which a run holds on to the policy that it began from."""

import pytest
import torch

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.configs.schema.algorithm import AnchorConfig, PpoConfig
from sim2real.training import runner
from sim2real.training.action_distribution import Categorical, Gaussian
from sim2real.training.algorithms import make_algorithm
from sim2real.training.anchor import Anchor
from sim2real.training.policy import Policy

SMALL = {"hidden": (8,), "rollout_steps": 16, "minibatches": 2, "target_kl": None, "learning_rate": 3e-3}


def policy_of(outputs, choices=None):
    generator = torch.Generator().manual_seed(0)
    return Policy(PpoConfig(name="ppo", hidden=()), 3, outputs, generator, squash=False, choices=choices)


def learner_of(environment, anchor, seed=3, **changes):
    learner = make_algorithm(
        PpoConfig.model_validate({"name": "ppo", **SMALL, **changes, "anchor": anchor}), environment, seed
    )
    learner.start(seed)
    return learner


def distance_moved(learner, iterations, progress):
    """How far the head of the policy moves."""
    before = learner.policy.head.weight.detach().clone()
    figures = [learner.iterate(progress)[1] for _ in range(iterations)]
    return float((learner.policy.head.weight.detach() - before).norm()), figures


def test_its_weight_falls_to_nothing_over_its_share():
    anchor = Anchor(AnchorConfig(weight=0.4, share=0.5), policy_of(2), Gaussian(2, 0.2))
    assert [anchor.weight(share) for share in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([0.4, 0.2, 0.0, 0.0])


def test_divergence_and_gradient_by_hand():
    distribution = Gaussian(2, 0.2)
    anchor = Anchor(AnchorConfig(), policy_of(2), distribution)
    own, output = torch.zeros(2, 2), torch.tensor([[0.1, 0.0], [0.0, -0.2]], requires_grad=True)
    divergence = anchor.divergence(own, distribution, output)
    # ½·(0.1/0.2)² = 0.125 and ½·(0.2/0.2)² = 0.5; their mean; ∂/∂μ = (μ − μ₀)/σ² of each row, of a mean of two
    assert float(divergence.detach()) == pytest.approx(0.3125)
    (gradient,) = torch.autograd.grad(divergence, output)
    assert gradient.flatten().tolist() == pytest.approx([1.25, 0.0, 0.0, -2.5])


def test_scores_of_discrete_actions_are_held_as_probabilities():
    distribution = Categorical(torch.tensor([[0.0], [1.0]]))
    anchor = Anchor(AnchorConfig(), policy_of(1, distribution.choices), distribution)
    # π₀ = (½, ½), π = (¾, ¼): ½·log(½/¾) + ½·log(½/¼) = ½·log(4/3)
    divergence = anchor.divergence(torch.zeros(1, 2), distribution, torch.tensor([[3.0, 1.0]]).log())
    assert float(divergence) == pytest.approx(0.143841, abs=1e-6)


def test_it_keeps_weights_moments_and_spread_of_the_beginning():
    policy, distribution = policy_of(2), Gaussian(2, 0.2)
    anchor, seen = Anchor(AnchorConfig(), policy, distribution), torch.tensor([[1.0, 2.0, 3.0]])
    anchor.take(policy, distribution)
    before = policy.mean(policy.normalizer(seen)).detach().clone()
    policy.normalizer.update(torch.randn(50, 3) * 5.0)
    with torch.no_grad():
        policy.head.weight.add_(1.0)
        distribution.log_std.add_(1.0)
    torch.testing.assert_close(anchor.outputs(seen), before, rtol=0.0, atol=0.0)
    assert float(anchor.distribution.log_std.exp()[0]) == pytest.approx(0.2)
    assert not any(parameter.requires_grad for parameter in anchor.parameters())


def test_a_strong_anchor_holds_the_policy_and_one_whose_time_is_over_does_not(point_environment):
    free, figures = distance_moved(learner_of(point_environment(16), None), 6, 0.1)
    assert not any("anchor" in name for name in figures[-1])
    held, figures = distance_moved(learner_of(point_environment(16), {"weight": 100.0, "share": 0.5}), 6, 0.1)
    assert held < 0.3 * free
    assert figures[-1]["policy/anchor_weight"] == pytest.approx(80.0)
    assert 0.0 < figures[-1]["policy/kl_of_anchor"] < 0.1
    late, figures = distance_moved(learner_of(point_environment(16), {"weight": 100.0, "share": 0.5}), 6, 0.6)
    assert late == free
    assert not any("anchor" in name for name in figures[-1])


def test_episodes_that_begin_again_do_not_move_it(point_environment):
    """A foreign environment has no state to restore: a resumed run starts its episodes again, and nothing else."""
    learner = learner_of(point_environment(16), {"weight": 0.5})
    learner.iterate(0.0)
    resumed = make_algorithm(learner.config, point_environment(16), 9)
    resumed.policy.load_state_dict(learner.policy.state_dict())
    resumed.restore(learner.state())
    resumed.start(7)
    before, after = (each.state()["anchor"] for each in (learner, resumed))
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not torch.equal(before["policy.head.weight"], learner.policy.head.weight)


def test_without_a_run_to_begin_from_there_is_nothing_to_hold_on_to(tmp_path):
    experiment = load_experiment("pendulum_ppo", ("algorithm.anchor={}",))
    with pytest.raises(
        UserError, match=r"algorithm\.anchor: there is no policy to hold on to; valid: null, or --init-from RUN"
    ):
        runner.train(experiment, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_policy_with_memory_has_none():
    with pytest.raises(ValueError, match="not with memory; valid: null"):
        PpoConfig.model_validate({"name": "ppo", "anchor": {}, "memory": {"kind": "gru"}})
