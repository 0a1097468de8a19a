"""Laws of several supplies in the batch simulation: each has its own voltage and sags under its own motors."""

import numpy as np
import pytest
from worlds import fixed, simulate

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_robot, load_task
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


def between(low: float, high: float, **how: object) -> dict[str, object]:
    """Return a parameter that draws the resistance, ohm."""
    return {"parameter": "supply_resistance", "range": [f"{low} ohm", f"{high} ohm"], **how}


def task() -> TaskConfig:
    """Return an arm whose last joints hang on a supply of their own."""
    loaded = load_task("so101_hold", ("reset.velocity=[0 rad/s, 0 rad/s]",))
    robot = loaded.robot
    joints = {
        name: joint.model_copy(update={"supply": "aside"} if index >= ASIDE.start else {})
        for index, (name, joint) in enumerate(robot.joints.items())
    }
    supplies = {"aside": SupplyConfig(voltage=f"{VOLTS['aside']} V", resistance="0.4 ohm")}
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


def resistances(simulation: Simulation) -> np.ndarray:
    """Return the drawn resistance of each supply, (n, supplies), ohm."""
    drawn = simulation.parameters.array("supply_resistance")
    assert drawn is not None
    return drawn.copy()


def test_each_supply_draws_its_own_resistance() -> None:
    drawn = resistances(Arm(64, between(0.1, 0.5)).simulation)
    assert drawn.shape == (64, len(VOLTS))
    assert ((drawn >= 0.1) & (drawn <= 0.5)).all()
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.4
    assert np.ptp(drawn, axis=0).min() > 0.3


def test_a_shared_resistance_is_one_for_all_supplies_and_each_may_differ_from_it_besides() -> None:
    shared = resistances(Arm(16, between(0.2, 0.5, shared=True)).simulation)
    np.testing.assert_array_equal(shared[:, 0], shared[:, 1])
    own, aside = 0.1, 0.4
    entry = between(0.2, 0.5, shared=True, apply="add", each=["-0.01 ohm", "0.01 ohm"])
    both = resistances(Arm(16, entry).simulation)
    apart = both[:, 1] - aside - (both[:, 0] - own)
    assert (apart != 0.0).all()
    assert (np.abs(apart) <= 0.02 + 1e-12).all()


def test_a_factor_and_a_sum_apply_to_the_resistance_of_each_supply() -> None:
    scaled = fixed("supply_resistance", 1.5, apply="scale")
    np.testing.assert_allclose(resistances(Arm(2, scaled).simulation), [[0.15, 0.6]] * 2)
    less = fixed("supply_resistance", "-0.2 ohm", apply="add")
    np.testing.assert_allclose(resistances(Arm(2, less).simulation), [[0.0, 0.2]] * 2, err_msg="never below 0")


@pytest.mark.parametrize(("name", "loaded", "stiff"), [("own", OWN, ASIDE), ("aside", ASIDE, OWN)])
def test_a_resistance_of_one_supply_makes_it_alone_sag(name: str, loaded: slice, stiff: slice) -> None:
    arm = Arm(2, fixed("supply_resistance", f"{OHMS} ohm", elements=[name]))
    unloaded = arm.volts
    arm.step(1.0, 1.0, 8)
    heat = arm.heat[:, loaded].sum(axis=1, keepdims=True)
    share = 1.0 - OHMS * heat / VOLTS[name] ** 2
    assert (share < 0.99).all()
    np.testing.assert_allclose(arm.volts[:, loaded], unloaded[:, loaded] * share, rtol=2e-3)
    np.testing.assert_array_equal(arm.volts[:, stiff], unloaded[:, stiff])


def test_two_supplies_with_two_resistances_sag_by_their_own() -> None:
    ohms = {"own": 0.5, "aside": 0.2}
    entries = [fixed("supply_resistance", f"{value} ohm", elements=[name]) for name, value in ohms.items()]
    arm = Arm(1, *entries)
    unloaded = arm.volts
    arm.step(1.0, 1.0, 8)
    for name, part in (("own", OWN), ("aside", ASIDE)):
        share = 1.0 - ohms[name] * arm.heat[:, part].sum() / VOLTS[name] ** 2
        np.testing.assert_allclose(arm.volts[:, part], unloaded[:, part] * share, rtol=2e-3)


def test_a_supply_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"no supply named 'converter'; valid: own, aside"):
        Arm(1, fixed("supply_resistance", "0.1 ohm", elements=["converter"]))


def test_no_supply_is_called_as_the_robots_own() -> None:
    with pytest.raises(ConfigError, match="own"):
        load_robot("koch_follower", ("supplies.own.voltage=5 V", "safety.voltage_ranges.own=[4 V, 6 V]"))
