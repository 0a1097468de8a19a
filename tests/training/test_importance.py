"""Importance weights by hand."""

import math

import pytest
import torch

from sim2real.training.importance import effective_share, importance_weights


def test_weights_are_products_of_ratios_cut_to_their_bound():
    # Ratios (2, 1.5, 0.5) and (0.5, 0.5, 1), the second trajectory being over after two steps.
    ratio = torch.tensor([[2.0, 0.5], [1.5, 0.5], [0.5, 1.0]], dtype=torch.float64)
    trajectory, step = importance_weights(ratio.log(), 2.5)
    # 2, 3 → 2.5, 1.5;   0.5, 0.25, 0.25
    assert step[:, 0].tolist() == pytest.approx([2.0, 2.5, 1.5], abs=1e-12)
    assert step[:, 1].tolist() == pytest.approx([0.5, 0.25, 0.25], abs=1e-12)
    assert trajectory.tolist() == pytest.approx([1.5, 0.25], abs=1e-12)


def test_the_effective_sample_size_by_hand():
    # (1.5 + 0.25 + 0.25)² / (2.25 + 2·0.0625) = 4 / 2.375; of 3 samples
    assert effective_share(torch.tensor([1.5, 0.25, 0.25], dtype=torch.float64)) == pytest.approx(
        4 / 2.375 / 3, abs=1e-12
    )
    assert effective_share(torch.full((5,), 0.3, dtype=torch.float64)) == pytest.approx(1.0, abs=1e-12)


def test_weights_that_are_not_cut_make_the_expectation_that_of_the_other_policy():
    # Two actions of one step: π_old = (1/2, 1/2), π = (3/4, 1/4). E_π[x] of x = (1, 5) is 2.
    ratio = torch.tensor([[1.5, 0.5]], dtype=torch.float64)
    trajectory, _ = importance_weights(ratio.log(), math.inf)
    assert float((trajectory * torch.tensor([1.0, 5.0])).mean()) == pytest.approx(2.0, abs=1e-12)
