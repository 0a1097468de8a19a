"""Laws of `sim2real new robot`: its file loads and runs, stays within the model's limits, and marks every guess."""

import json
import math
import re
from pathlib import Path
from xml.sax.saxutils import quoteattr

import gymnasium
import mujoco
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.configs.library import ROOT, shipped, shipped_with_model
from sim2real.configs.load import load_randomization, load_robot, load_task
from sim2real.configs.schema.robot import RobotConfig
from sim2real.envs.batch_env import BatchEnv
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.families import motor_family
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState
from sim2real.new_robot.joint_angles import angles_of
from sim2real.new_robot.mjcf import ModelJoint
from sim2real.new_robot.robot import NewRobot, NewRobotOptions, new_robot
from sim2real.new_robot.start_values import two_digits
from sim2real.plant import MujocoPlant

ANT = Path(gymnasium.__file__).parent / "envs/mujoco/assets/ant.xml"
SO101 = Path(__file__).parents[4] / "shared/models/so101/so101_new_calib.xml"
TASK = """
name: wriggle
robot: {robot}
control_rate: 50 Hz
episode_duration: 2 s
physics: {{timestep: 2 ms}}
observation: [{{term: joint_position}}, {{term: joint_velocity, scale: 0.1}}, {{term: last_action}}]
action: {{target: position, scale: 0.3 rad}}
reset: {{around: default, position: [-2 deg, 2 deg], velocity: [0 rad/s, 0 rad/s]}}
rewards: [{{term: alive, weight: 1.0}}]
goal: {{joint: {joint}, position: 0 deg, tolerance: 5 deg, hold: 1 s}}
"""
LINK = '<geom size=".02" mass=".05"/>'
FAST = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def model(*joints: str, extra: str = "") -> str:
    """A chain of links, one per joint."""
    bodies = "".join(f'<body name="link{number}" pos="0 0 .05">{joint}{LINK}' for number, joint in enumerate(joints))
    return f"<mujoco><worldbody>{bodies}{'</body>' * len(joints)}</worldbody>{extra}</mujoco>"


def made(folder: Path, xml: str | Path, **options: object) -> NewRobot:
    """The new robot of a model, written to robot.yaml in the folder."""
    path = xml if isinstance(xml, Path) else folder / "model.xml"
    if isinstance(xml, str):
        path.write_text(xml, encoding="utf-8")
    new = new_robot(path, folder / "robot.yaml", NewRobotOptions(**options))
    (folder / "robot.yaml").write_text(new.text, encoding="utf-8")
    return new


@pytest.fixture(params=["ant", "so101"])
def foreign(request: pytest.FixtureRequest) -> Path:
    """A third-party model."""
    path = {"ant": ANT, "so101": SO101}[request.param]
    if not path.is_file():
        pytest.skip(f"the official SO-101 model is not there: {SO101}")
    return path


def test_a_foreign_model_becomes_a_robot_with_its_joints_and_ranges(foreign, tmp_path):
    made(tmp_path, foreign)
    robot = load_robot(str(tmp_path / "robot.yaml"))
    theirs = mujoco.MjModel.from_xml_path(str(foreign))
    hinges = [index for index in range(theirs.njnt) if theirs.jnt_type[index] == mujoco.mjtJoint.mjJNT_HINGE]
    assert robot.joint_names == tuple(theirs.joint(index).name for index in hinges)
    limits = [joint.position_limits for joint in robot.joints.values()]
    np.testing.assert_allclose(limits, theirs.jnt_range[hinges], atol=math.radians(1.01e-4))


def test_a_task_on_a_foreign_model_runs(foreign, tmp_path):
    robot = made(tmp_path, foreign).config
    (tmp_path / "task.yaml").write_text(TASK.format(robot="./robot.yaml", joint=robot.joint_names[0]))
    env = BatchEnv(load_task(str(tmp_path / "task.yaml")), load_randomization("none"), 2, seed=1)
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=1)
    moved = 0.0
    for _ in range(200):
        before = observation.copy()
        observation, reward, *_ = env.step(rng.uniform(-1.0, 1.0, (2, len(robot.joints))).astype(np.float32))
        assert np.isfinite(observation).all()
        assert np.isfinite(reward).all()
        moved = max(moved, float(np.abs(observation - before).max()))
    assert moved > 0.1


def hold(robot: RobotConfig, ticks: int) -> np.ndarray:
    """Hold the start pose on emulated motors in lockstep with the MuJoCo plant; return the positions, (ticks, J)."""
    plant = MujocoPlant(robot)
    emulated, clock = EmulatedRobot(robot, plant), VirtualClock()
    hardware = RobotHardware(robot, lockstep_transports(emulated, clock), clock)
    joints = list(robot.joints.values())
    state, command = JointState.empty(len(joints)), JointCommand.zeros(len(joints))
    command.position[:] = [joint.default_position for joint in joints]
    command.stiffness[:] = [joint.stiffness for joint in joints]
    command.damping[:] = [joint.damping for joint in joints]
    hardware.open()
    hardware.enable()
    positions, next_ns = [], clock.now_ns()
    for _ in range(ticks):
        hardware.read(state)
        assert state.fresh.all()
        assert not state.faults.any()
        hardware.write(command)
        positions.append(state.position.copy())
        next_ns = max(next_ns + 20_000_000, clock.now_ns())
        clock.sleep_until_ns(next_ns)
    hardware.close()
    assert hardware.counters.timeouts == 0
    assert emulated.snapshot()["torque_off"]
    return np.array(positions)


def test_emulated_motors_serve_a_foreign_model(foreign, tmp_path):
    robot = made(tmp_path, foreign).config
    positions = hold(robot, ticks=100)
    margin = robot.safety.position_margin
    for name, column in zip(robot.joint_names, positions.T, strict=True):
        low, high = robot.joints[name].position_limits
        assert low - margin <= column.min() <= column.max() <= high + margin


@pytest.mark.parametrize("motor", shipped("motors"))
def test_every_shipped_motor_holds_a_joint_with_its_start_values(motor, tmp_path):
    joint = '<joint name="pan" axis="0 0 1" range="-90 90"/>'
    robot = made(tmp_path, model(joint), motor=motor).config
    assert robot.buses["main"].protocol == motor_family(robot.joints["pan"].motor.family).protocol
    assert np.abs(hold(robot, ticks=20)).max() < math.radians(1.0)
    nominal, (low, high) = robot.joints["pan"].motor.nominal.voltage, robot.joints["pan"].motor.voltage_range
    assert max(low, 0.79 * nominal) <= robot.safety.voltage_range[0] < robot.supply_voltage == nominal
    assert nominal < robot.safety.voltage_range[1] <= min(high, 1.21 * nominal)


@pytest.mark.parametrize("name", shipped_with_model())
def test_a_shipped_model_gives_the_joints_of_the_shipped_robot_and_limits_around_its_own(name, tmp_path):
    known = load_robot(name)
    new = made(tmp_path, ROOT / "robots" / known.model).config
    chosen = made(tmp_path, ROOT / "robots" / known.model, joints=known.joint_names).config
    assert chosen.joint_names == known.joint_names
    assert set(known.joint_names) <= set(new.joint_names)
    spec = mujoco.MjModel.from_xml_path(str(ROOT / "robots" / known.model))
    for joint, config in chosen.joints.items():
        if spec.jnt_limited[spec.joint(joint).id]:
            assert config.position_limits[0] <= known.joints[joint].position_limits[0]
            assert config.position_limits[1] >= known.joints[joint].position_limits[1]


@pytest.mark.parametrize("name", ["quadruped", "so101", "hopper_leg"])
def test_the_rules_of_the_start_values_fit_the_shipped_robots(name, tmp_path):
    known = load_robot(name)
    joints = list(known.joints.values())
    new = made(tmp_path, model('<joint name="a"/>'), motor=joints[0].motor.name).config.joints["a"]
    for key in ("effort_limit", "velocity_limit", "stiffness", "damping"):
        values = [getattr(joint, key) for joint in joints]
        assert min(values) / 1.4 <= getattr(new, key) <= max(values) * 1.4, key
    assert math.degrees(new.zero) == pytest.approx(math.degrees(joints[0].zero))
    assert new.mode == joints[0].mode


def test_every_guess_is_marked(tmp_path):
    text = made(tmp_path, model('<joint name="a"/>')).text
    known = (
        "name",
        "model",
        "protocol",
        "mode",
        "bus",
        "watchdog",
        "communication_loss",
        "missed_ticks_max",
        "timeout",
        "- joint",  # of the tip's chain, which is computed
        "position",
        "axis",
    )
    for line in text.splitlines():
        key, _, value = line.partition("#")[0].strip().partition(":")
        if value.strip() and key not in known:
            assert "# check: " in line, line


def test_a_floating_base_gets_an_imu(tmp_path):
    floating = f'<body name="trunk"><freejoint/>{LINK}<body><joint name="hip"/>{LINK}</body></body>'
    new = made(tmp_path, f"<mujoco><worldbody>{floating}</worldbody></mujoco>")
    assert new.passive == ("free joint of body 'trunk'",)
    robot = load_robot(str(tmp_path / "robot.yaml"))
    assert [imu.body for imu in robot.imus.values()] == ["trunk"]
    assert MujocoPlant(robot).imu("trunk").orientation == (1.0, 0.0, 0.0, 0.0)


def test_a_fixed_base_gets_none(tmp_path):
    assert "imu" not in made(tmp_path, model('<joint name="a"/>')).text


def test_the_start_pose_is_the_keyframe_home_or_the_only_one_within_the_limits(tmp_path):
    joints = '<joint name="a" range="-90 90"/>', '<joint name="b" range="10 50"/>', '<joint name="c" ref="20"/>'
    key, far = '<key {} qpos="0.5 0 -0.25"/>', '<key name="far" qpos="1 .3 0"/>'
    at_key, in_model = [0.5, math.radians(10.0), -0.25], np.radians([0.0, 10.0, 20.0]).tolist()
    for keys, expected in (
        (far + key.format('name="home"'), at_key),
        (key.format('name="standing"'), at_key),
        (key.format(""), at_key),
        (far + key.format('name="standing"'), in_model),
    ):
        config = made(tmp_path, model(*joints, extra=f"<keyframe>{keys}</keyframe>")).config
        angles = [joint.default_position for joint in config.joints.values()]
        np.testing.assert_allclose(angles, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (model('<joint name="a" range="-9 9"/>', '<joint name="b"/>'), "where the model has no range: b"),
        (model('<joint name="a" range="0 270"/>'), "limits beyond half a turn: a"),
        (model('<joint name="a" range="20 90"/>'), "the model's pose is outside its range: a"),
        (model('<joint name="a" stiffness="2"/>'), "the model's joint springs stay active: a"),
        (model('<joint name="a" actuatorfrcrange="-1 1"/>'), "below effort_limit and clips it in simulation: a"),
        (
            model(
                '<joint name="a"/>', '<joint name="b"/>', extra='<actuator><motor name="m" joint="b"/></actuator>'
            ),
            "motors replace 1 of 1",
        ),
        (
            f'<mujoco><worldbody><body><joint name="a" axis="0 1 0"/><geom size=".1" pos="2 0 0"/>{LINK}</body>'
            "</worldbody></mujoco>",
            "too weak to hold the start pose with a fixed base: a (gravity 82, effort_limit 2.8 N*m)",
        ),
        (model('<joint name="a"/>', '<joint name="s" type="slide"/>'), None),
    ],
)  # fmt: skip
def test_properties_to_check_are_listed(xml, said, tmp_path):
    checks = made(tmp_path, xml, motor="xm430_w350").checks
    assert all("\n" not in check for check in checks)
    assert said is None or any(said in check for check in checks), checks


def test_other_joints_are_listed_as_passive(tmp_path):
    joints = '<joint name="a"/>', '<joint name="s" type="slide"/>', '<joint type="ball"/>', '<joint name="d"/>'
    assert made(tmp_path, model(*joints)).passive == ("ball joint of body 'link2'", "slide joint 's'")
    chosen = made(tmp_path, model(*joints), joints=("d",))
    assert chosen.config.joint_names == ("d",)
    assert chosen.passive == ("ball joint of body 'link2'", "hinge joint 'a'", "slide joint 's'")


def test_chosen_joints_keep_the_order_of_the_model(tmp_path):
    joints = '<joint name="a"/>', "<joint/>", '<joint name="c"/>'
    assert made(tmp_path, model(*joints), joints=("c", "a")).config.joint_names == ("a", "c")


@given(
    low=st.floats(-12.0, 12.0),
    span=st.floats(1e-3, 12.0),
    pose=st.floats(-12.0, 12.0),
    centre=st.sampled_from([0.0, 180.0]),
)
def test_limits_lie_in_the_range_the_pose_in_the_limits_and_the_motor_in_one_turn(low, span, pose, centre):
    angles = angles_of(ModelJoint("a", "", (low, low + span), pose), centre)
    assert math.degrees(low) - 1e-9 <= angles.low < angles.high <= math.degrees(low + span) + 1e-9
    assert angles.high - angles.low >= math.degrees(span) - 2.001e-4
    assert angles.low <= angles.default <= angles.high
    if angles.high - angles.low <= 360.0:
        assert centre - 180.0 - 1e-4 <= angles.low + angles.zero < angles.high + angles.zero <= centre + 180.0 + 1e-4
    assert bool(angles.default_check) == (not angles.low <= round(math.degrees(pose), 4) <= angles.high)


@given(st.floats(1e-6, 1e6))
def test_two_digits_round_down(value):
    rounded = two_digits(value)
    assert 0.0 < rounded <= value * (1 + 1e-9)
    assert value < rounded * 1.11
    assert f"{rounded:.1e}" == f"{rounded:.15e}"[:3] + f"{rounded:.15e}"[-4:]


@FAST
@given(name=st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn", "Co"]), max_size=70))
def test_any_joint_name_is_used_unchanged_or_mapped_to_a_valid_one(name, tmp_path):
    new = made(tmp_path, model(f"<joint name={quoteattr(name)}/>"))
    (used,) = new.config.joint_names
    if re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,63}", name):
        assert used == name
        assert not new.config.model_names
    elif name:
        assert new.config.in_model(used) == name
    assert load_robot(str(tmp_path / "robot.yaml")) == new.config


@FAST
@given(share=st.floats(0.0, 0.999))
def test_a_truncated_model_is_refused_in_one_line_with_its_file(share, tmp_path):
    text = ANT.read_text()
    refuses(tmp_path, text[: int(share * (text.index("</mujoco>")))])


@FAST
@given(data=st.binary(max_size=200))
def test_garbage_is_refused_in_one_line_with_its_file(data, tmp_path):
    (tmp_path / "model.xml").write_bytes(data)
    refuses(tmp_path, tmp_path / "model.xml")


def refuses(folder: Path, xml: str | Path, *said: str, **options: object) -> None:
    with pytest.raises(UserError) as caught:
        made(folder, xml, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "model.xml" in message
    for part in said:
        assert part in message


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ("<mujoco/>", ["no hinge joint", "it has no joints"]),
        (model('<joint name="s" type="slide"/>'), ["no hinge joint", "its joints: slide joint 's'"]),
        (model('<joint name="a" range="0 1e-5"/>'), ["no hinge joint", "joint 'a'", "--joints"]),
        (model('<joint name="a"/>', '<joint name="a"/>'), ["repeated name 'a'"]),
        (model('<joint name="a" colour="red"/>'), ["MuJoCo does not compile it", "colour"]),
        ('<mujoco><asset><mesh file="gone.stl"/></asset></mujoco>', ["gone.stl"]),
        ('<mujoco><include file="gone.xml"/></mujoco>', ["gone.xml"]),
        ('<mujoco><worldbody><body><joint name="a"/></body></worldbody></mujoco>', ["mass and inertia"]),
    ],
)  # fmt: skip
def test_an_unsuitable_model_is_refused_with_what_is_valid(xml, said, tmp_path):
    refuses(tmp_path, xml, *said)


def test_a_model_that_does_not_compile_without_its_own_actuators_is_refused_with_the_reason(tmp_path, monkeypatch):
    def broken(config: RobotConfig) -> MujocoPlant:
        raise UserError("unrecognized name 'm' of sensorized object")

    monkeypatch.setattr("sim2real.new_robot.robot.MujocoPlant", broken)
    refuses(tmp_path, model('<joint name="a"/>'), "unrecognized name 'm'", "remove what refers to them")


def test_unknown_joints_are_refused_with_the_valid_ones(tmp_path):
    chain = model('<joint name="a"/>', "<joint/>", '<joint name="c"/>')
    refuses(tmp_path, chain, "no hinge joint named 'b'", "valid: a, link1_joint1, c", joints=("a", "b"))
    refuses(tmp_path, chain, "no joint given", "valid: a, link1_joint1, c", joints=())


def test_more_joints_than_a_bus_has_ids_are_refused(tmp_path):
    joints = [f'<joint name="j{number}"/>' for number in range(128)]
    flat = "".join(f'<body pos="{number} 0 0">{joint}{LINK}</body>' for number, joint in enumerate(joints))
    refuses(tmp_path, f"<mujoco><worldbody>{flat}</worldbody></mujoco>", "128", "ids 1 to 127", protocol="moteus")


@pytest.mark.parametrize("folder", ["a b", "it's # not: a comment", "ünï", "[x]"])
def test_folders_with_special_characters_work(folder, tmp_path):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "model.xml").write_text(model('<joint name="a"/>'))
    new = made(tmp_path, tmp_path / folder / "model.xml", name="null")
    robot = load_robot(str(tmp_path / "robot.yaml"))
    assert robot == new.config
    assert (robot.name, robot.model) == ("null", str(tmp_path / folder / "model.xml"))


def test_the_path_of_a_users_motor_is_relative_to_the_yaml(tmp_path, monkeypatch):
    (tmp_path / "motors").mkdir()
    (tmp_path / "robots").mkdir()
    text = (ROOT / "motors" / "xl330_m288.yaml").read_text().replace("name: xl330_m288", "name: mine")
    (tmp_path / "motors" / "mine.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    Path("model.xml").write_text(model('<joint name="a"/>'))
    new = new_robot(Path("model.xml"), Path("robots/robot.yaml"), NewRobotOptions(motor="motors/mine.yaml"))
    Path("robots/robot.yaml").write_text(new.text)
    assert load_robot("robots/robot.yaml").joints["a"].motor.name == "mine"


class TestCommand:
    """The command writes a file and a list of checks, or one line on standard error and no file."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("my arm.xml").write_text(model('<joint name="a" range="-90 90"/>', '<joint name="s" type="slide"/>'))

    def run(self, *arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["new", "robot", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.stdout, result.stderr

    def test_writes_a_file_that_loads_and_says_what_has_none(self):
        status, out, err = self.run("my arm.xml", "--motor", "sts3215_12v")
        assert (status, err) == (0, "")
        assert load_robot("my_arm.yaml").joints["a"].motor.name == "sts3215_12v"
        assert "joints left passive (1): slide joint 's'" in out

    def test_prints_a_document(self):
        status, out, _ = self.run("my arm.xml", "--name", "arm", "--output", "x.yaml", "--json")
        document = json.loads(out)
        assert status == 0
        assert document["ok"]
        assert (document["robot"], document["path"], document["model"]) == ("arm", "x.yaml", "my arm.xml")
        assert document["joints"] == {"a": {"id": 1, "motor": "xm430_w350"}}
        assert document["passive"] == ["slide joint 's'"]
        assert document["next"] == ["sim2real check x.yaml", "sim2real emulate x.yaml"]
        assert any("no --motor was given" in check for check in document["checks"])

    def test_never_overwrites_without_force(self):
        Path("my_arm.yaml").write_text("mine")
        status, _, err = self.run("my arm.xml")
        assert status == 1
        assert "--force" in err
        assert Path("my_arm.yaml").read_text() == "mine"
        assert self.run("my arm.xml", "--force")[0] == 0
        assert load_robot("my_arm.yaml").name == "my_arm"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["gone.xml"], "gone.xml: no such file"),
            (["."], "no such file"),
            (["my arm.xml", "--motor", "xm430"], "xm430_w350"),
            (["my arm.xml", "--motor", "xm430_w350", "--bus-protocol", "feetech"], "valid: dynamixel2"),
            (["my arm.xml", "--bus-protocol", "can"], "valid: dynamixel2, feetech, moteus"),
            (["my arm.xml", "--name", "my arm"], "letters, digits and underscores"),
            (["my arm.xml", "--name", ""], "letters, digits and underscores"),
            (["my arm.xml", "--joints", "b"], "valid: a"),
            (["my arm.xml", "--joints", " , "], "valid: a"),
            (["my arm.xml", "--output", "x.txt"], ".yaml"),
            (["my arm.xml", "--output", "gone/x.yaml"], "no folder gone"),
        ],
    )
    def test_refuses_in_one_line_and_writes_nothing(self, arguments, said):
        before = sorted(Path().iterdir())
        status, out, err = self.run(*arguments)
        assert (status, out) == (1, "")
        assert err.count("\n") == 1
        assert said in err
        status, out, _ = self.run(*arguments, "--json")
        assert status == 1
        assert json.loads(out)["ok"] is False
        assert sorted(Path().iterdir()) == before
