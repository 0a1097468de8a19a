"""Laws of the whole emulated robot: the time of plant steps does not matter, and the supply behaves physically."""

import numpy as np
import pytest
from emulated import MS

from sim2real.configs.load import load_robot
from sim2real.hardware.dynamixel.frame import BROADCAST, Instruction, encode
from sim2real.hardware.emulator.electrics import Electrics
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot

IDS = bytes((1, 2, 3, 4, 5, 6))
TORQUE_ON = encode(BROADCAST, Instruction.SYNC_WRITE, bytes((64, 0, 1, 0)) + b"".join(bytes((i, 1)) for i in IDS))
READ = encode(BROADCAST, Instruction.FAST_SYNC_READ, bytes((126, 0, 10, 0)) + IDS)


def conversation(lazy: bool) -> tuple[list[bytes], np.ndarray]:
    """Send requests at irregular times for 0.5 s; if `lazy`, step the plant only as far as replies need it."""
    robot = load_robot("quadruped")
    plant = InertiaPlant(robot)
    plant.position[:] += 0.3
    emulated = EmulatedRobot(robot, plant)
    line = emulated.lines["front"]
    heard: list[bytes] = []
    line.send(0, TORQUE_ON)
    for tick in range(1, 100):
        now_ns = tick * 5_123_457
        line.send(now_ns, READ)
        for later_ns in (now_ns + 200_000, now_ns + 4 * MS):
            emulated.answer(later_ns) if lazy else emulated.advance_to(later_ns)
            heard.append(line.take(later_ns))
        if tick % 7 == 0:
            emulated.advance_to(now_ns + 4 * MS)
    emulated.advance_to(600 * MS)
    return heard, plant.position.copy()


def test_replies_do_not_depend_on_when_the_plant_is_stepped():
    eager, lazy = conversation(lazy=False), conversation(lazy=True)
    assert eager[0] == lazy[0]
    assert (eager[1] == lazy[1]).all()
    assert sum(map(bool, eager[0])) > 90


def test_answer_steps_the_plant_no_further_than_needed():
    robot = load_robot("quadruped")
    emulated = EmulatedRobot(robot.model_copy(update={"imus": {}}), InertiaPlant(robot))
    emulated.answer(50 * MS)
    assert emulated.now_ns == 0
    heard_ns = emulated.lines["front"].send(20 * MS, READ)
    emulated.answer(50 * MS)
    assert emulated.now_ns == heard_ns // MS * MS


@pytest.mark.parametrize("name", ["pendulum", "so101", "quadruped", "hopper_leg"])
@pytest.mark.parametrize("resistance", [0.0, 0.1, 2.0])
def test_stalled_motors_lower_the_supply_voltage_to_its_equilibrium(name, resistance):
    robot = load_robot(name).model_copy(update={"supply_resistance": resistance})
    electrics = Electrics(robot, 1e-3)
    joints = len(robot.joints)
    seen = []
    for _ in range(20):
        electrics.step([1.0] * joints, [0.0] * joints)
        seen.append(electrics.supplies[None].voltage)
    conductance = sum(1.0 / ohms for ohms in electrics.resistance)
    assert seen[1:] == pytest.approx([robot.supply_voltage / (1.0 + resistance * conductance)] * 19, rel=0.01)


def test_braking_motors_do_not_raise_the_supply_voltage():
    electrics = Electrics(load_robot("quadruped"), 1e-3)
    for _ in range(5):
        electrics.step([0.1] * 12, [20.0] * 12)
    assert electrics.supplies[None].voltage == electrics.supplies[None].nominal


def test_a_motor_heats_by_its_own_constants():
    robot = load_robot("pendulum")
    pivot = robot.joints["pivot"]
    light = pivot.motor.thermal.model_copy(update={"heat_capacity": 5.0})
    motor = pivot.motor.model_copy(update={"thermal": light})
    other = robot.model_copy(update={"joints": {"pivot": pivot.model_copy(update={"motor": motor})}})
    warm, hot = Electrics(robot, 1e-3), Electrics(other, 1e-3)
    for electrics in (warm, hot):
        for _ in range(1000):
            electrics.step([0.3], [0.0])
    assert hot.temperature[0] - 25.0 == pytest.approx(10.0 * (warm.temperature[0] - 25.0), rel=0.1)
