"""Laws of advantage estimation; the arithmetic is done by hand beside the assertions."""

import pytest
import torch

from sim2real.training.advantages import generalized_advantages, n_step_advantages


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


def test_n_step_advantages_by_hand():
    # Column 0 goes on, column 1 terminates at t = 1, column 2 is truncated there; n = 2, γ = 0.5.
    reward = torch.tensor([[1.0] * 3, [2.0] * 3, [4.0] * 3, [8.0] * 3], dtype=torch.float64)
    value = torch.tensor([[0.5] * 3, [1.0] * 3, [3.0] * 3, [5.0] * 3], dtype=torch.float64)
    next_value = torch.tensor([[1.0] * 3, [3.0, 9.0, 6.0], [5.0] * 3, [7.0] * 3], dtype=torch.float64)
    terminated, ended = torch.zeros(4, 3, dtype=torch.bool), torch.zeros(4, 3, dtype=torch.bool)
    terminated[1, 1] = ended[1, 1] = ended[1, 2] = True
    found = n_step_advantages(reward, value, next_value, terminated, ended, discount=0.5, steps=2)
    # 1 + 0.5·2 + 0.25·3 − 0.5;  2 + 0.5·4 + 0.25·5 − 1;  4 + 0.5·8 + 0.25·7 − 3;  8 + 0.5·7 − 5
    assert found[:, 0].tolist() == pytest.approx([2.25, 4.25, 6.75, 6.5], abs=1e-12)
    # 1 + 0.5·2 − 0.5;  2 − 1
    assert found[:, 1].tolist() == pytest.approx([1.5, 1.0, 6.75, 6.5], abs=1e-12)
    # 1 + 0.5·2 + 0.25·6 − 0.5;  2 + 0.5·6 − 1
    assert found[:, 2].tolist() == pytest.approx([3.0, 4.0, 6.75, 6.5], abs=1e-12)


@pytest.mark.parametrize(("steps", "gae_lambda"), [(1, 0.0), (6, 1.0), (99, 1.0)])
def test_one_step_is_the_temporal_difference_and_all_are_the_return(steps, gae_lambda):
    generator = torch.Generator().manual_seed(3)
    reward, value, next_value = (torch.rand(6, 9, generator=generator, dtype=torch.float64) for _ in range(3))
    ended = torch.rand(6, 9, generator=generator) < 0.3
    terminated = ended & (torch.rand(6, 9, generator=generator) < 0.5)
    next_value[:-1] = torch.where(ended[:-1], next_value[:-1], value[1:])
    arguments = reward, value, next_value, terminated, ended
    found = n_step_advantages(*arguments, discount=0.9, steps=steps)
    torch.testing.assert_close(found, generalized_advantages(*arguments, discount=0.9, gae_lambda=gae_lambda))
