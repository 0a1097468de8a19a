"""Small models of the kinds that other people's files bring, and robots and tasks made from them."""

from pathlib import Path
from typing import Any

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.new_robot.robot import NewRobot, NewRobotOptions, new_robot

LINK = '<geom type="capsule" fromto="0 0 0 0 0 -.2" size=".02" mass=".2"/>'
FLOOR = '<geom name="floor" type="plane" size="5 5 .1"/>'

FOUR_BAR = """<mujoco><worldbody>
  <body name="crank"><joint name="crank" axis="0 1 0" range="-60 60"/>
    <geom type="capsule" fromto="0 0 0 0 0 .1" size=".01" mass=".05"/>
    <body name="coupler" pos="0 0 .1"><joint name="coupler" axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 0 .2 0 0" size=".01" mass=".05" contype="0" conaffinity="0"/></body></body>
  <body name="rocker" pos=".2 0 0"><joint name="rocker" axis="0 1 0"/>
    <geom type="capsule" fromto="0 0 0 0 0 .1" size=".01" mass=".05" contype="0" conaffinity="0"/></body>
</worldbody>
<equality><connect name="pin" body1="coupler" body2="rocker" anchor=".2 0 0"/></equality>
<actuator><position joint="crank" kp="5"/></actuator></mujoco>"""
"""A parallelogram whose crank has a motor: coupler and rocker turn against it and with it."""

GRIPPER = """<mujoco><worldbody><body name="hand">
  <body name="left" pos="0 .02 0"><joint name="left-finger" type="slide" axis="0 1 0" range="0 .04"/>
    <geom type="box" size=".01 .005 .03" mass=".05"/></body>
  <body name="right" pos="0 -.02 0"><joint name="right-finger" type="slide" axis="0 -1 0" range="0 .04"/>
    <geom type="box" size=".01 .005 .03" mass=".05"/></body>
</body></worldbody>
<equality><joint joint1="right-finger" joint2="left-finger"/></equality>
<actuator><position joint="left-finger" kp="50"/></actuator></mujoco>"""
"""Two fingers on slides, moved by one motor."""


def biped(turn: str = "0 0 0", *, height: float = 0.6, extra: str = "") -> str:
    """Two legs with a hinge each below a floating base, whose frame in the file is turned by Euler angles, degrees."""
    inverse = " ".join(f"{-float(part):g}" for part in turn.split())
    return f"""<mujoco><compiler eulerseq="xyz"/><worldbody>{FLOOR}
      <body name="trunk" pos="0 0 {height}" euler="{turn}"><freejoint/>
        <frame euler="{inverse}"><geom type="box" size=".1 .1 .05" mass="2"/>
          <body name="left" pos="0 .1 0"><joint name="left" axis="0 1 0" range="-60 60"/>{LINK}</body>
          <body name="right" pos="0 -.1 0"><joint name="right" axis="0 1 0" range="-60 60"/>{LINK}</body></frame>
      </body></worldbody>
      <actuator><motor joint="left"/><motor joint="right"/></actuator>{extra}</mujoco>"""


def made(folder: Path, xml: str, **options: Any) -> NewRobot:
    """The new robot of a model, written to robot.yaml in the folder."""
    (folder / "model.xml").write_text(xml, encoding="utf-8")
    new = new_robot(folder / "model.xml", folder / "robot.yaml", NewRobotOptions(**options))
    (folder / "robot.yaml").write_text(new.text, encoding="utf-8")
    return new


def robot_of(folder: Path, xml: str, **changes: Any) -> RobotConfig:
    """A robot as `new robot` makes it, with changes to its keys."""
    made(folder, xml)
    robot = load_robot(str(folder / "robot.yaml"))
    return robot.model_copy(update=changes)


def holding(robot: RobotConfig, **changes: Any) -> TaskConfig:
    """A task that starts at rest in the start pose of a robot, with changes to its keys."""
    keys: dict[str, Any] = {
        "name": "hold",
        "robot": robot,
        "control_rate": "50 Hz",
        "episode_duration": "2 s",
        "physics": {"timestep": "2 ms"},
        "observation": [{"term": "joint_position"}, {"term": "joint_velocity"}],
        "action": {"target": "position", "scale": "0.2 rad"},
        "reset": {"around": "default", "position": ("0 deg", "0 deg"), "velocity": ("0 rad/s", "0 rad/s")},
        "rewards": [{"term": "alive", "weight": 1.0}],
        "goal": {"kind": "finish"},
    }
    return TaskConfig.model_validate(keys | changes)


def spread(degrees: float, velocity: float = 0.0) -> dict[str, Any]:
    """A reset around the start pose."""
    position, speed = (f"{-degrees} deg", f"{degrees} deg"), (f"{-velocity} rad/s", f"{velocity} rad/s")
    return {"around": "default", "position": position, "velocity": speed}


def quadruped(foot: str = '<geom name="{name}_foot" type="sphere" size=".02" pos="0 0 -.2" mass=".05"/>') -> str:
    """Four legs, rear right first, whose knees cannot be straight: the pose of the file is outside their ranges."""
    legs = ""
    for name, x, y in (("rr", -0.2, -0.1), ("fl", 0.2, 0.1), ("rl", -0.2, 0.1), ("fr", 0.2, -0.1)):
        legs += f"""<body name="{name}_hip" pos="{x} {y} 0"><joint name="{name}_roll" axis="1 0 0" range="-45 45"/>
          <geom type="sphere" size=".03" mass=".3"/>
          <body name="{name}_thigh" pos="0 {y / 2} 0"><joint name="{name}_pitch" axis="0 1 0" range="-60 200"/>
            <geom type="capsule" fromto="0 0 0 0 0 -.2" size=".015" mass=".4"/>
            <body name="{name}_calf" pos="0 0 -.2"><joint name="{name}_knee" axis="0 1 0" range="-150 -50"/>
              <geom type="capsule" fromto="0 0 0 0 0 -.2" size=".01" mass=".1"/>{foot.format(name=name)}</body>
          </body></body>"""
    return f"""<mujoco><worldbody><body name="trunk" pos="0 0 .5"><freejoint/>
      <geom type="box" size=".25 .08 .05" mass="5"/>{legs}</body></worldbody></mujoco>"""
