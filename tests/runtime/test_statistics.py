"""Laws of the tick statistics: quantiles to within a bucket, exact maxima, nothing lost in the histogram."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.runtime.statistics import STAGES, Durations, TickStatistics


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.floats(0.0, 1.0))
def test_a_quantile_is_within_one_bucket_of_the_sorted_sample(durations, share):
    counted = Durations()
    for duration in durations:
        counted.add(duration)
    exact = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]
    assert exact <= counted.quantile_ns(share) <= exact * (1 + 1 / 64) + 1
    assert counted.quantile_ns(1.0) == counted.max_ns == max(durations)
    assert counted.mean_ns() == pytest.approx(sum(durations) / len(durations))


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200))
def test_the_histogram_counts_every_duration_in_the_bucket_it_falls_in(durations):
    counted = Durations()
    for duration in durations:
        counted.add(duration)
    edges, counts = counted.histogram()
    assert len(edges) == len(counts) + 1
    assert (np.diff(edges) > 0).all()
    expected, _ = np.histogram(np.array(durations) / 1e3, bins=edges)
    assert counts.sum() == len(durations)
    assert counts.tolist() == expected.tolist()


@given(st.lists(st.integers(0, 10**12)), st.lists(st.integers(0, 10**12)))
def test_merged_durations_are_those_of_both(first, second):
    one, other, both = Durations(), Durations(), Durations()
    for durations, counted in ((first, (one, both)), (second, (other, both))):
        for duration in durations:
            for each in counted:
                each.add(duration)
    one.merge(other)
    assert one.count == both.count
    assert str(one.summary_us()) == str(both.summary_us())


def test_without_durations_there_are_no_figures():
    counted = Durations()
    assert math.isnan(counted.quantile_ns(0.5))
    assert math.isnan(counted.mean_ns())
    edges, counts = counted.histogram()
    assert len(edges) == 1
    assert len(counts) == 0


def test_absurd_durations_are_counted_all_the_same():
    counted = Durations()
    for duration in (-5, 2**50, 2**62):
        counted.add(duration)
    assert counted.count == 3
    assert counted.max_ns == 2**62
    assert counted.quantile_ns(0.1) == 0.0


def test_every_stage_has_its_figures():
    document = TickStatistics.empty().document()
    assert tuple(document) == STAGES
    assert set(document["total"]) == {"p50_us", "p99_us", "p99_9_us", "max_us", "mean_us"}
