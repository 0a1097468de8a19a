"""Laws of time in simulation: actions and readings are as old, as rare and as often lost as their parameters say."""

import numpy as np
import pytest
from worlds import actions, at_rest, fixed, pendulum, qpos, qvel, simulate


@pytest.mark.parametrize("latency_ms", [2, 4, 8, 14, 30])
def test_an_observation_is_as_old_as_its_latency_to_the_physics_step(latency_ms: int) -> None:
    slow = simulate(pendulum(), 3, fixed("joint_latency", f"{latency_ms} ms"), seed=4)
    # The truth at every physics step, from the same simulation stepped one physics step at a time.
    fine = simulate(pendulum("control_rate=500 Hz"), 3, seed=4)
    qpos(fine)[:], qvel(fine)[:] = qpos(slow), qvel(slow)
    truth, per_tick, age = [], 5, round(latency_ms / 2)
    rng = np.random.default_rng(0)
    for tick in range(1, 21):
        action = actions(rng, 3)
        for _ in range(per_tick):
            truth.append(qpos(fine).copy())
            fine.step(action)
        slow.step(action)
        if tick * per_tick >= age:
            np.testing.assert_array_equal(slow.signals.joint_position, truth[tick * per_tick - age])


@pytest.mark.parametrize(("latency_ms", "steps"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (8, 4)])
def test_an_action_acts_after_its_latency_to_the_physics_step(latency_ms: int, steps: int) -> None:
    simulation = simulate(at_rest("0 deg", "control_rate=500 Hz"), 1, fixed("action_latency", f"{latency_ms} ms"))
    moved = []
    for _ in range(8):
        simulation.step(np.ones((1, 1), np.float32))
        moved.append(bool(qvel(simulation)[0, 0] != 0.0))
    assert moved.index(True) == steps
