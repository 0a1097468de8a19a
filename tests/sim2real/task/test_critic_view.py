"""Laws of privileged values: they belong to the current observation, not to the step before."""

import numpy as np

from sim2real.configs.load import load_randomization, load_task
from sim2real.simulation.simulation import Simulation


def test_a_critic_sees_a_new_tip_target_in_the_same_step() -> None:
    task = load_task("so101_reach", ("privileged=[tip_offset]", "command_source={kind: tip, hold: [0.1 s, 0.1 s]}"))
    simulation = Simulation(task, load_randomization("none"), 4, seed=3)
    simulation.begin(np.arange(4))
    columns = simulation.contract.tip_columns
    changed = 0
    for _ in range(20):
        before = simulation.signals.command.copy()
        simulation.step(np.zeros((4, 6), np.float32))
        changed += int((simulation.signals.command != before).any())
        offset = (
            simulation.signals.command[:, columns] - simulation.batch.bind("sensordata")[:, simulation.robot.true_tip]
        )
        np.testing.assert_allclose(simulation.transition.privileged[:, :3], 10.0 * offset, atol=1e-5)
    assert changed >= 3
