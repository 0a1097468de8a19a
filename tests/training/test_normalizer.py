"""Laws of the normaliser: batch-wise moments equal numpy's over all rows."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.training.normalizer import STD_FLOOR, Normalizer, RunningMoments


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.floats(-100, 100), st.integers(0, 1000))
def test_merged_moments_are_those_of_all_rows(sizes, offset, seed):
    rng = np.random.default_rng(seed)
    batches = [rng.normal(offset, 1.0 + index, (size, 3)) for index, size in enumerate(sizes)]
    moments = RunningMoments(3)
    for batch in batches:
        moments.update(torch.from_numpy(batch))
    everything = np.concatenate(batches)
    np.testing.assert_allclose(moments.mean.numpy(), everything.mean(0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moments.variance.numpy(), everything.var(0), rtol=1e-8, atol=1e-9)
    assert float(moments.count) == len(everything)


def test_normalised_rows_have_zero_mean_and_nearly_unit_spread():
    rows = torch.from_numpy(np.random.default_rng(0).normal(5.0, 3.0, (4096, 2)).astype(np.float32))
    normalizer = Normalizer(2)
    assert torch.equal(normalizer(rows), rows)
    normalizer.update(rows)
    normalized = normalizer(rows)
    torch.testing.assert_close(normalized.mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        normalized.std(0, correction=0), torch.full((2,), 3.0 / (3.0 + STD_FLOOR)), rtol=2e-2, atol=0
    )


def test_non_finite_values_stay_non_finite():
    normalizer = Normalizer(2)
    normalizer.update(torch.ones(4, 2))
    assert torch.isnan(normalizer(torch.tensor([[float("nan"), 1.0]]))[0, 0])
