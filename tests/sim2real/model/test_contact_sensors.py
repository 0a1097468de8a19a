"""Laws of contact sensors: one for each body of the robot that can touch, each the net force on it."""

import mujoco
import numpy as np

from sim2real.configs.load import load_robot
from sim2real.model.contact_sensors import add_contact_sensors, contact_columns

WORLD = """
<mujoco>
  <worldbody>
    <geom type="plane" size="1 1 0.1"/>
    <body pos="0 0 0.1">
      <freejoint/>
      <geom type="box" size="0.2 0.2 0.1" mass="2"/>
      <body pos="0 0 0.5"><inertial pos="0 0 0" mass="0.5" diaginertia="1e-3 1e-3 1e-3"/>
        <body pos="0 0 0.1">
          <joint name="pivot" type="slide" axis="0 0 1" damping="5"/>
          <geom name="knob" type="sphere" size="0.05" mass="1"/>
        </body>
      </body>
    </body>
    <body name="other" pos="0.8 0 0.1"><freejoint/><geom type="box" size="0.1 0.1 0.1" mass="3"/></body>
  </worldbody>
</mujoco>
"""


def test_each_body_of_the_robot_with_geoms_is_felt_also_without_a_name() -> None:
    robot = load_robot("pendulum")
    spec = mujoco.MjSpec.from_string(WORLD)
    add_contact_sensors(spec, robot)
    model = spec.compile()
    assert [model.sensor(index).name for index in range(model.nsensor)] == ["body0/contact", "body1/contact"]
    columns, data = contact_columns(model), mujoco.MjData(model)
    assert columns.tolist() == list(range(6))
    while data.time < 2.0:
        mujoco.mj_step(model, data)
    base, knob = np.linalg.norm(data.sensordata[columns].reshape(2, 3), axis=1)
    # The knob slid down on to the base: it carries itself there, and the ground carries all, less what the knob presses
    # on the base, which is a contact of the base, too.
    assert abs(knob - 1.0 * 9.81) < 0.05
    assert abs(base - (3.5 - 1.0) * 9.81) < 0.1
