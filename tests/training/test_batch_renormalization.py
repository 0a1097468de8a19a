"""Batch renormalisation by hand, its gradient, and critics that see states and successors in one batch."""

from copy import deepcopy

import pytest
import torch

from sim2real.configs.schema.off_policy import NormalizedCriticConfig, SacConfig
from sim2real.training.batch_renormalization import VARIANCE_FLOOR, BatchRenormalization, Bounds
from sim2real.training.normalized_critics import NormalizedCritics

BOUNDS = Bounds(3.0, 5.0)
EQUAL = torch.full((1, 2), 0.5)


def column(*values):
    return torch.tensor(values, dtype=torch.float64).view(1, -1, 1)


def layer(mean, variance, momentum=0.75):
    """A layer of one column, whose running standard deviation is √(variance + 0.001)."""
    made = BatchRenormalization(1, 1, momentum).double()
    made.mean.fill_(mean)
    made.variance.fill_(variance)
    return made


def values(tensor):
    return tensor.detach().flatten().tolist()


def test_a_batch_within_the_bounds_by_hand():
    made = layer(1.0, 3.999)  # σ = 2
    with torch.no_grad():
        made.scale.fill_(2.0)
        made.shift.fill_(10.0)
    half = 0.999**0.5  # σ_B = √(0.999 + 0.001) = 1
    rows = column(3.0 - half, 3.0 + half)  # μ_B = 3
    # r = 1/2, d = (3 − 1)/2 = 1: 10 + 2·(±half/2 + 1)
    expected = [12.0 - half, 12.0 + half]
    assert values(made(rows)) == pytest.approx(expected)  # of the running moments: the same
    assert values(made.learn(rows, EQUAL.double(), BOUNDS)) == pytest.approx(expected)
    # 1 + 0.25·(3 − 1), 3.999 + 0.25·(0.999 − 3.999)
    assert (float(made.mean), float(made.variance)) == pytest.approx((1.5, 3.249))


def test_a_batch_beyond_the_bounds_by_hand():
    made = layer(0.0, 0.009)  # σ = 0.1
    half = 0.999**0.5
    # σ_B/σ = 10 and (μ_B − μ)/σ = −20 are beyond: r = 3, d = −5
    normalized = made.learn(column(-2.0 - half, -2.0 + half), EQUAL.double(), BOUNDS)
    assert values(normalized) == pytest.approx([-5.0 - 3.0 * half, -5.0 + 3.0 * half])
    made = layer(0.0, 99.999)  # σ = 10: r is no less than 1/3
    assert values(made.learn(column(-half, half), EQUAL.double(), BOUNDS)) == pytest.approx([-half / 3.0, half / 3.0])


def test_without_bounds_it_is_batch_normalisation_and_a_constant_column_is_zero():
    made = layer(7.0, 5.0)
    half = 0.999**0.5
    assert values(made.learn(column(4.0 - half, 4.0 + half), EQUAL.double(), None)) == pytest.approx([-half, half])
    assert values(made.learn(column(4.0, 4.0), EQUAL.double(), None)) == [0.0, 0.0]


def test_a_row_that_does_not_count_is_in_no_moment():
    share = torch.tensor([[0.5, 0.0, 0.5]], dtype=torch.float64)
    one, other = (layer(0.0, 1.0) for _ in range(2))
    near, far = (made.learn(column(1.0, at, 3.0), share, BOUNDS) for made, at in ((one, 2.0), (other, 900.0)))
    assert values(near)[::2] == values(far)[::2]
    assert float(one.mean) == float(other.mean)
    assert float(one.variance) == float(other.variance)


@pytest.mark.parametrize("bounds", [None, BOUNDS])
def test_the_gradient_is_that_of_the_formula(bounds):
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    made = BatchRenormalization(2, 3, 0.9).double()
    with torch.no_grad():
        for parameter in (made.scale, made.shift, made.mean):
            parameter.copy_(drawn(2, 1, 3))
    share = torch.rand((1, 5), generator=generator, dtype=torch.float64)
    share[0, 2] = 0.0
    share /= share.sum()
    rows, other = drawn(2, 5, 3).requires_grad_(), deepcopy(made)
    weight = drawn(2, 5, 3)
    (made.learn(rows, share, bounds) * weight).sum().backward()

    same = rows.detach().clone().requires_grad_()
    mean = share @ same
    std = (share @ (same - mean).square() + VARIANCE_FLOOR).sqrt()
    r, d = torch.ones(()), torch.zeros(())
    if bounds is not None:
        running = (other.variance + VARIANCE_FLOOR).sqrt()
        r = (std / running).detach().clamp(1.0 / bounds.scale, bounds.scale)
        d = ((mean - other.mean) / running).detach().clamp(-bounds.shift, bounds.shift)
    (((same - mean) / std * r + d) * other.scale * weight + other.shift * weight).sum().backward()
    torch.testing.assert_close(rows.grad, same.grad)
    torch.testing.assert_close(made.scale.grad, other.scale.grad)
    torch.testing.assert_close(made.shift.grad, other.shift.grad)


def critics(**normalized):
    config = SacConfig(name="sac", hidden=(8, 8), normalized_critic=NormalizedCriticConfig(**normalized))
    return NormalizedCritics(4, config, torch.Generator().manual_seed(0))


def pairs(seed=1, *, shift=0.0):
    """States with actions, and their successors, in another place by a shift."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn((6, size), generator=generator) for size in (3, 1, 3, 1)]
    return (drawn[0], drawn[1]), (drawn[2] + shift, drawn[3] + shift)


ALL = torch.ones(12)


def test_one_batch_sees_how_successors_differ_from_states_and_two_batches_do_not():
    pair, near = pairs()
    _, far = pairs(shift=3.0)

    def apart(following):
        """Values of both, each normalised by its own moments, as two passes would have them."""
        made = critics()
        return [made.jointly(each, each, ALL)[0] for each in (pair, following)]

    def together(following):
        return critics().jointly(pair, following, ALL)

    torch.testing.assert_close(apart(near)[1], apart(far)[1], rtol=1e-3, atol=1e-3)  # the difference is lost
    assert float((together(near)[1] - together(far)[1]).detach().abs().max()) > 0.1
    assert not torch.allclose(together(near)[0], apart(near)[0])


def test_a_joint_batch_is_normalised_by_the_mean_of_both_and_the_running_moments_move_towards_it():
    made = critics(momentum=0.75)
    pair, following = pairs(shift=2.0)
    made.jointly(pair, following, ALL)
    rows = torch.cat((torch.cat(pair, -1), torch.cat(following, -1)))
    for twin in range(2):
        torch.testing.assert_close(made.normalizations[0].mean[twin, 0], 0.25 * rows.mean(0))
        torch.testing.assert_close(made.normalizations[0].variance[twin, 0], 0.75 + 0.25 * rows.var(0, correction=0))


def test_the_values_of_later_are_those_of_the_running_moments():
    made = critics(momentum=0.0, renormalize_after=1)  # the running moments are those of the last batch
    pair, following = pairs()
    values = made.jointly(pair, following, ALL)
    for (state, action), value in zip((pair, following), values, strict=True):
        torch.testing.assert_close(made(state, action), value)
    # Renormalised by them, another batch has the values that it has later, though its own moments are others.
    before = deepcopy(made)
    pair, following = pairs(2)
    here, there = made.jointly(pair, following, ALL)
    torch.testing.assert_close(before(*pair), here)
    torch.testing.assert_close(before(*following), there)
    early = critics(momentum=0.0, renormalize_after=2)
    early.jointly(*pairs(), ALL)
    assert not torch.allclose(early.jointly(pair, following, ALL)[0], here)


def test_a_successor_that_does_not_count_changes_no_other_value():
    counted = ALL.clone()
    counted[6 + 4] = 0.0
    pair, following = pairs()
    elsewhere = following[0].clone()
    elsewhere[4] += 50.0
    here, there = critics().jointly(pair, following, counted)
    same_here, same_there = critics().jointly(pair, (elsewhere, following[1]), counted)
    torch.testing.assert_close(here, same_here, rtol=0.0, atol=0.0)
    kept = [0, 1, 2, 3, 5]
    torch.testing.assert_close(there[:, kept], same_there[:, kept], rtol=0.0, atol=0.0)
