"""Laws of action distributions: they agree with torch.distributions."""

import pytest
import torch
from torch.distributions import Independent, Normal, TanhTransform, TransformedDistribution, kl_divergence

from sim2real.training.distributions import gaussian_entropy, gaussian_kl, gaussian_log_prob, tanh_gaussian_sample


@pytest.fixture
def sets():
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(32, 3, generator=generator, dtype=torch.float64) for _ in range(5)]


def diagonal(mean, log_std):
    return Independent(Normal(mean, log_std.exp()), 1)


def test_gaussian_identities(sets):
    value, mean, other_mean, log_std, other_log_std = sets
    p, q = diagonal(mean, log_std), diagonal(other_mean, other_log_std)
    torch.testing.assert_close(gaussian_log_prob(value, mean, log_std), p.log_prob(value))
    torch.testing.assert_close(gaussian_entropy(log_std), p.entropy())
    torch.testing.assert_close(gaussian_kl(mean, log_std, other_mean, other_log_std), kl_divergence(p, q))


def test_the_divergence_of_a_distribution_from_itself_is_zero(sets):
    _, mean, _, log_std, _ = sets
    assert gaussian_kl(mean, log_std, mean, log_std).abs().max() == 0.0


def test_tanh_gaussian_log_probability(sets):
    noise, mean, _, log_std, _ = sets
    action, log_prob = tanh_gaussian_sample(mean, log_std * 0.3, noise)
    squashed = TransformedDistribution(Normal(mean, (log_std * 0.3).exp()), TanhTransform(cache_size=1))
    torch.testing.assert_close(log_prob, squashed.log_prob(action).sum(-1), rtol=1e-6, atol=1e-6)


def test_tanh_gaussian_gradients_are_those_of_finite_differences(sets):
    noise, mean, _, log_std, _ = (values[:3].double() for values in sets)
    arguments = mean.requires_grad_(), (log_std * 0.3).requires_grad_()
    assert torch.autograd.gradcheck(lambda mean, log_std: tanh_gaussian_sample(mean, log_std, noise), arguments)


def test_tanh_gaussian_stays_finite_where_tanh_saturates():
    mean = torch.tensor([[40.0, -40.0]])
    action, log_prob = tanh_gaussian_sample(mean, torch.zeros(1, 2), torch.zeros(1, 2))
    assert action.tolist() == [[1.0, -1.0]]
    # log N(0) − 2·(log 2 − |u|), each: −0.9189 + 78.6137
    assert float(log_prob) == pytest.approx(2 * (-0.918938533 + 80.0 - 2 * 0.693147181), rel=1e-6)
