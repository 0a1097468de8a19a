"""Laws of the sum tree and of prioritised replay; probabilities and weights worked by hand."""

import numpy as np
import pytest
import torch

from sim2real.training.prioritized_replay import PrioritizedReplay
from sim2real.training.sum_tree import SumTree


def places(*numbers):
    return np.array(numbers, np.int64)


def test_sums_are_found_where_they_are_first_exceeded():
    tree = SumTree(5)
    tree.set(places(0, 1, 3, 4), np.array([1.0, 2.0, 0.5, 4.0]))
    assert tree.total == 7.5
    # Running sums: 1, 3, 3, 3.5, 7.5; place 2 has no weight.
    assert tree.find(np.array([0.0, 0.99, 1.0, 2.99, 3.0, 3.49, 3.5, 7.49])).tolist() == [0, 0, 1, 1, 3, 3, 4, 4]


@pytest.mark.parametrize("capacity", [1, 2, 7, 64])
def test_any_sequence_of_weights_keeps_the_sums(capacity):
    tree, random = SumTree(capacity), np.random.default_rng(capacity)
    expected = np.zeros(capacity)
    for _ in range(20):
        chosen = random.integers(0, capacity, 5)
        weights = random.uniform(0.0, 3.0, 5)
        expected[chosen] = weights  # as numpy has it: the last of a place
        tree.set(chosen, weights)
        assert tree.total == pytest.approx(expected.sum())
    sums = random.uniform(0.0, tree.total, 50)
    assert tree.find(sums).tolist() == np.searchsorted(np.cumsum(expected), sums, side="right").tolist()


def replay_of_four():
    """Four transitions with errors 1, 2, 0 and 5 and α = 0.5, of which the last two are drawn again below."""
    replay = PrioritizedReplay(4, 1, 1, exponent=0.5)
    rows = np.zeros((4, 5), np.float32)
    rows[:, 0] = range(4)
    replay.add(rows)
    generator = torch.Generator().manual_seed(0)
    batch = replay.sample(4, generator)  # equal priorities: one of each
    assert batch.inputs.squeeze(1).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert replay.probabilities().tolist() == [0.25] * 4
    replay.learned(torch.tensor([1.0, -2.0, 0.0, 5.0]))
    return replay, generator


def test_probabilities_and_weights_by_hand():
    replay, generator = replay_of_four()
    replay.sample(1000, generator)
    found = dict(
        zip(
            replay.batch_of(torch.from_numpy(replay.drawn)).inputs.squeeze(1).tolist(),
            replay.probabilities().tolist(),
            strict=True,
        )
    )
    # (|δ| + 1e-6)^0.5: 1.0000005, 1.4142139, 0.001, 2.2360682; their sum 4.6512826
    expected = {0.0: 0.2149946, 1.0: 0.3040485, 2.0: 0.00021499, 3.0: 0.4807423}
    for number, probability in found.items():
        assert probability == pytest.approx(expected[number], abs=1e-6)
    weights = dict(zip(found, found, strict=True)) | dict(
        zip(
            replay.batch_of(torch.from_numpy(replay.drawn)).inputs.squeeze(1).tolist(),
            replay.importance(1.0).tolist(),
            strict=True,
        )
    )
    # (N·P)^−1 over its largest, which is of the rarest that was drawn
    rarest = min(found, key=found.get)
    for number, weight in weights.items():
        assert weight == pytest.approx(expected[rarest] / expected[number], rel=1e-4)
    shares = np.bincount(replay.drawn, minlength=4) / 1000
    np.testing.assert_allclose(shares, list(expected.values()), atol=2e-3)


def test_new_transitions_have_the_largest_priority_so_far_and_a_restored_buffer_is_the_same():
    replay, generator = replay_of_four()
    replay.add(np.full((1, 5), 9.0, np.float32))  # over number 0
    replay.sample(400, generator)
    new = replay.drawn == 0
    # √5 of √5 + √2 + 0.001 + √5
    assert replay.probabilities()[torch.from_numpy(new)][0] == pytest.approx(2.2360682 / 5.8873503, abs=1e-6)
    other = PrioritizedReplay(4, 1, 1, exponent=0.5)
    other.restore(replay.state())
    twin = torch.Generator().manual_seed(4)
    first = replay.sample(32, torch.Generator().manual_seed(4))
    assert torch.equal(first.inputs, other.sample(32, twin).inputs)
    assert torch.equal(replay.importance(0.4), other.importance(0.4))
