"""Laws of advantage estimation; the arithmetic is done by hand beside the assertions."""

import pytest
import torch

from sim2real.training.advantages import generalized_advantages


def column(*values):
    return torch.tensor(values, dtype=torch.float64).unsqueeze(-1)


def flags(*values):
    return torch.tensor(values, dtype=torch.bool).unsqueeze(-1)


def test_uninterrupted_steps_are_the_discounted_sum_of_temporal_differences():
    advantage = generalized_advantages(
        column(1.0, 2.0, 3.0),
        column(0.5, 1.0, 1.5),
        column(1.0, 1.5, 2.0),
        flags(0, 0, 0),
        flags(0, 0, 0),
        discount=0.9,
        gae_lambda=0.8,
    )
    # δ = r + 0.9 V' − V: 1 + 0.9 − 0.5 = 1.4;  2 + 1.35 − 1 = 2.35;  3 + 1.8 − 1.5 = 3.3
    # A₂ = 3.3;  A₁ = 2.35 + 0.72·3.3 = 4.726;  A₀ = 1.4 + 0.72·4.726 = 4.80272
    assert advantage.squeeze(-1).tolist() == pytest.approx([4.80272, 4.726, 3.3], abs=1e-12)


def test_a_terminated_step_has_no_successor_value_and_a_truncated_one_has_that_of_its_final_observation():
    # Column 0 terminates at t = 1, column 1 is truncated there; V(final observation) = 4 is in next_value, and the
    # value of the next episode's first state (7) must appear nowhere in what comes before it.
    reward = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], dtype=torch.float64)
    value = torch.tensor([[0.5, 0.5], [1.0, 1.0], [7.0, 7.0]], dtype=torch.float64)
    next_value = torch.tensor([[1.0, 1.0], [4.0, 4.0], [2.0, 2.0]], dtype=torch.float64)
    terminated = torch.tensor([[False, False], [True, False], [False, False]])
    ended = torch.tensor([[False, False], [True, True], [False, False]])
    advantage = generalized_advantages(reward, value, next_value, terminated, ended, discount=0.9, gae_lambda=0.8)
    # t = 2: 3 + 0.9·2 − 7 = −2.2 in both columns, and not carried back: the earlier episodes ended.
    # t = 1 terminated: 2 − 1 = 1;            truncated: 2 + 0.9·4 − 1 = 4.6
    # t = 0: δ = 1 + 0.9·1 − 0.5 = 1.4;  + 0.72·1 = 2.12;     + 0.72·4.6 = 4.712
    assert advantage[:, 0].tolist() == pytest.approx([2.12, 1.0, -2.2], abs=1e-12)
    assert advantage[:, 1].tolist() == pytest.approx([4.712, 4.6, -2.2], abs=1e-12)


def test_lambda_one_gives_the_return_minus_the_value():
    generator = torch.Generator().manual_seed(0)
    reward, value = (torch.rand(6, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    bootstrap = torch.rand(3, generator=generator, dtype=torch.float64)
    nothing = torch.zeros(6, 3, dtype=torch.bool)
    next_value = torch.cat((value[1:], bootstrap[None]))
    advantage = generalized_advantages(reward, value, next_value, nothing, nothing, discount=0.9, gae_lambda=1.0)
    expected = sum(0.9**step * reward[step] for step in range(6)) + 0.9**6 * bootstrap - value[0]
    torch.testing.assert_close(advantage[0], expected)
