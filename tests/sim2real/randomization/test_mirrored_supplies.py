"""Laws of the mirror of supplies: the image of a supply feeds the images of its joints."""

import pytest
from worlds import between, randomized

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_task
from sim2real.configs.schema.supply import SupplyConfig
from sim2real.model.mirror import RobotMirror
from sim2real.model.model import build_model
from sim2real.randomization.mirror import mirror_of_parameters

RESISTANCE = randomized(between("supply_resistance", "0 ohm", "0.2 ohm"))


def mirrored(supply_of):
    """Return the mirror of the resistances of a quadruped's supplies, each joint's by `supply_of(name)`."""
    task = load_task("quadruped_walk")
    robot = task.robot
    joints = {name: joint.model_copy(update={"supply": supply_of(name)}) for name, joint in robot.joints.items()}
    names = {joint.supply for joint in joints.values()} - {None}
    supplies = {name: SupplyConfig(voltage=f"{robot.supply_voltage} V") for name in sorted(names)}
    safety = robot.safety.model_copy(update={"voltage_ranges": dict.fromkeys(names, robot.safety.voltage_range)})
    task = task.model_copy(
        update={"robot": robot.model_copy(update={"joints": joints, "supplies": supplies, "safety": safety})}
    )
    model = build_model(task)
    return list(model.supplies), mirror_of_parameters(RESISTANCE, model, RobotMirror.of(task.robot, model))


def test_left_and_right_are_exchanged_and_what_feeds_both_sides_is_its_own_image():
    names, mirror = mirrored(lambda name: "left" if "left" in name else "right")
    assert [names[place] for place in mirror.index] == ["right", "left"]
    names, mirror = mirrored(lambda name: "front" if "front" in name else None)
    assert [names[place] for place in mirror.index] == names == ["own", "front"]
    assert mirror.is_involution


def test_a_supply_without_an_image_is_refused():
    with pytest.raises(ConfigError, match="images of the joints of supply"):
        mirrored(lambda name: "odd" if name.startswith("front_left") else None)
