"""Laws of several supplies in the batch simulation: each has its own voltage and sags under its own motors."""

import numpy as np
import pytest
from worlds import fixed, simulate

from sim2real.configs.load import load_task
from sim2real.configs.schema.supply import SupplyConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.model.gains import GAIN_CONSTANT, GAIN_RESISTANCE, GAIN_VOLTAGE_MAX
from sim2real.simulation.simulation import Simulation

VOLTS = {"own": 7.4, "aside": 6.0}
OHMS = 0.5
ASIDE = slice(3, None)
"""Joints of the second supply."""
OWN = slice(0, 3)
HELD = fixed("joint_friction", "50 N*m", apply="set")
SAGGING = fixed("supply_resistance", f"{OHMS} ohm")


def task() -> TaskConfig:
    """Return an arm whose last joints hang on a supply of their own."""
    loaded = load_task("so101_hold", ("reset.velocity=[0 rad/s, 0 rad/s]",))
    robot = loaded.robot
    joints = {
        name: joint.model_copy(update={"supply": "aside"} if index >= ASIDE.start else {})
        for index, (name, joint) in enumerate(robot.joints.items())
    }
    supplies = {"aside": SupplyConfig(voltage=f"{VOLTS['aside']} V")}
    safety = robot.safety.model_copy(update={"voltage_ranges": {"aside": (5.0, 7.0)}})
    changed = {"joints": joints, "supplies": supplies, "safety": safety, "supply_voltage": VOLTS["own"]}
    return loaded.model_copy(update={"robot": robot.model_copy(update=changed)})


class Arm:
    """Simulated arms whose joints are held, so that all power is heat."""

    def __init__(self, n: int, *parameters: dict[str, object]) -> None:
        self.simulation: Simulation = simulate(task(), n, HELD, *parameters)
        actuators = [self.simulation.batch.model.actuator(name).id for name in self.simulation.task.robot.joint_names]
        self._gain = self.simulation.batch.expand("actuator_gainprm")
        self._force = self.simulation.batch.bind("actuator_force")
        self._actuators = actuators

    def step(self, own: float, aside: float, times: int = 3) -> None:
        """Ask the joints of each supply for the same action."""
        action = np.full((self.simulation.n, self.simulation.contract.action_size), own, np.float32)
        action[:, ASIDE] = aside
        for _ in range(times):
            self.heat = self._heat()
            self.simulation.step(action)

    @property
    def volts(self) -> np.ndarray:
        return self._gain[:, self._actuators, GAIN_VOLTAGE_MAX].copy()

    def _heat(self) -> np.ndarray:
        gain = self._gain[:, self._actuators]
        return (self._force[:, self._actuators] / gain[:, :, GAIN_CONSTANT]) ** 2 * gain[:, :, GAIN_RESISTANCE]


@pytest.mark.parametrize(("loaded", "idle", "own", "aside"), [(OWN, ASIDE, 1.0, 0.0), (ASIDE, OWN, 0.0, 1.0)])
def test_the_load_of_one_supply_does_not_make_the_other_sag(
    loaded: slice, idle: slice, own: float, aside: float
) -> None:
    arm, calm = Arm(1, SAGGING), Arm(1, SAGGING)
    unloaded = arm.volts
    arm.step(own, aside, 6)
    calm.step(0.0, 0.0, 6)
    assert (arm.volts[:, loaded] < 0.97 * unloaded[:, loaded]).all()
    np.testing.assert_allclose(arm.volts[:, idle], calm.volts[:, idle], rtol=1e-3)


@pytest.mark.parametrize("drawn", [1.0, 0.8])
def test_each_supply_sags_by_the_current_of_its_own_motors_at_its_own_voltage(drawn: float) -> None:
    """Once the current was that of the undrawn voltage."""
    arm = Arm(2, SAGGING, fixed("supply_voltage", drawn, shared=True))
    unloaded = arm.volts
    arm.step(1.0, 1.0, 8)
    heat = arm.heat
    for part, volts in ((OWN, VOLTS["own"]), (ASIDE, VOLTS["aside"])):
        share = 1.0 - OHMS * heat[:, part].sum(axis=1, keepdims=True) / (drawn * volts) ** 2
        assert (share < 0.99).all()
        np.testing.assert_allclose(arm.volts[:, part], unloaded[:, part] * share, rtol=2e-3)


def test_a_drawn_voltage_of_one_supply_leaves_the_other() -> None:
    names = task().robot.joint_names
    entry = fixed("supply_voltage", 0.8, shared=True, elements=list(names[ASIDE]))
    plain, drawn = Arm(1, SAGGING).volts, Arm(1, SAGGING, entry).volts
    np.testing.assert_array_equal(drawn[:, OWN], plain[:, OWN])
    np.testing.assert_allclose(drawn[:, ASIDE], 0.8 * plain[:, ASIDE], rtol=1e-12)


def test_a_resumed_run_has_the_drawn_voltages() -> None:
    entry = fixed("supply_voltage", 0.8, shared=True)
    first, second = Arm(1, SAGGING, entry), Arm(1, SAGGING, entry)
    first.step(1.0, 1.0)
    second.simulation.load_state_dict(first.simulation.state_dict())
    first.step(1.0, 1.0)
    second.step(1.0, 1.0)
    np.testing.assert_array_equal(first.volts, second.volts)
