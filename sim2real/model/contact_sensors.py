"""Sensors of the net force of all contacts on each of the robot's bodies."""

from collections.abc import Iterator
from itertools import count
from typing import Final

import mujoco
import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.model.addresses import Indices, sensor_columns

_CONTACT: Final = mujoco.mjtSensor.mjSENS_CONTACT
_NAME: Final = "/contact"
_NET_FORCE: Final = 3  # `reduce="netforce"`, as MuJoCo's XML reader writes it to `intprm`


def add_contact_sensors(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    """Add `BODY/contact` for each body with geoms of the robot's trees: the net force on it, 3 numbers, N.

    Contacts of the robot with itself count as well. A body without a name gets one.
    """
    numbers = count()
    for body in _bodies(spec, robot):
        if not body.name:
            body.name = next(name for name in (f"body{number}" for number in numbers) if spec.body(name) is None)
        sensor = spec.add_sensor(
            name=f"{body.name}{_NAME}", type=_CONTACT, objtype=mujoco.mjtObj.mjOBJ_BODY, objname=body.name
        )
        sensor.intprm[0] = 1 << int(mujoco.mjtConDataField.mjCONDATA_FORCE)
        sensor.intprm[1], sensor.intprm[2] = _NET_FORCE, 1


def contact_columns(model: mujoco.MjModel) -> Indices:
    """Return the columns of `sensordata` with the forces, (3B,), x y z of a body together."""
    ids = np.flatnonzero(model.sensor_type == _CONTACT)
    return sensor_columns(model, ids)


def _bodies(spec: mujoco.MjSpec, robot: RobotConfig) -> Iterator[mujoco.MjsBody]:
    """Yield the bodies that have geoms, of all trees with a joint of the robot."""
    tops = dict[int, mujoco.MjsBody]()
    for name in robot.joints:
        body = spec.joint(robot.in_model(name)).parent
        while body.parent is not None and body.parent.name != "world":
            body = body.parent
        tops.setdefault(body.id, body)
    waiting = list(tops.values())
    while waiting:
        body = waiting.pop(0)
        waiting += body.bodies
        if body.geoms:
            yield body
