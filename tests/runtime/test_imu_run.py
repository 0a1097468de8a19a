"""Laws of a run whose policy depends on an IMU: seen, logged, replayed, and without it nothing is driven."""

import json

import numpy as np
import pytest

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.configs.schema.command import CommandConfig
from sim2real.configs.schema.fault import ImuFaultConfig, UnplugFaultConfig
from sim2real.configs.schema.robot import ImuConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.errors import HardwareError
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.log import read_log
from sim2real.runtime.replay import replay
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State


def task(*terms: str) -> TaskConfig:
    """The pendulum with an IMU on its arm, under a policy that sees these terms."""
    base = load_task("pendulum_swingup")
    unit = ImuConfig(
        protocol="witmotion",
        baudrate="115200 baud",
        rate="200 Hz",
        body="arm",
        mounting=("0 deg", "0 deg", "90 deg"),
    )
    entries = tuple(base.observation[0].model_copy(update={"term": term, "scale": 1.0}) for term in terms)
    return base.model_copy(
        update={
            "robot": base.robot.model_copy(update={"imus": {"arm": unit}}),
            "observation": entries,
            "commands": {"forward": CommandConfig(range=(-1.0, 1.0), default=0.25)},
            "phase_frequency": 2.0,
        }
    )


ALL = ("projected_gravity", "gyro", "command", "phase", "last_action")


@pytest.fixture
def run(policy_of, tmp_path):
    """Run a policy that always asks for a little effort, in lockstep on the first-order plant."""

    def run(*faults, terms=ALL, duration=1.0, **options):
        config = task(*terms)
        policy = policy_of(lambda observation: 0.05)
        policy.contract = contract_of(config)
        world = lockstep(config.robot, plant="inertia", faults=FaultsConfig(name="test", faults=faults))
        log = tmp_path / "run.mcap"
        options = RunOptions(duration=duration, log=log, synchronous_log=True, **options)
        return run_session(policy, config.robot, world.hardware, world.clock, options), log, policy

    return run


def test_the_policy_sees_gravity_gyro_command_and_phase(run):
    report, log, _ = run()
    assert report.final_state is State.RUNNING
    ticks = [tick for tick in read_log(log).ticks if tick["ran"]]
    observation = np.array([tick["observation"] for tick in ticks])
    np.testing.assert_allclose(observation[:, :3], [[0.0, 0.0, -1.0]] * len(ticks), atol=0.01)
    np.testing.assert_allclose(observation[:, 3:6], 0.0, atol=0.02)
    np.testing.assert_array_equal(observation[:, 6], np.float32(0.25))
    angle = 2.0 * np.pi * 2.0 * np.arange(len(ticks)) / 100.0
    np.testing.assert_allclose(observation[:, 7:9], np.stack([np.sin(angle), np.cos(angle)], axis=1), atol=1e-6)


def test_the_log_holds_the_imu_and_replays_bit_for_bit(run):
    report, log, policy = run()
    ticks = read_log(log).ticks
    np.testing.assert_allclose(ticks[-1]["imu_linear_acceleration"], [[0.0, 0.0, 9.81]], atol=0.1)
    assert ticks[-1]["imu_faults"] == [0]
    assert ticks[-1]["asked"] == [0.25]
    result = replay(log, policy)
    assert result.mismatches == ()
    assert result.ticks == sum(tick["ran"] for tick in ticks) > 90
    assert report.logged_ticks == report.ticks


def test_what_the_operator_asks_is_what_the_policy_sees(run):
    _, log, _ = run(commands={"forward": -0.5})
    assert [tick for tick in read_log(log).ticks if tick["ran"]][-1]["observation"][6] == -0.5


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ({"sideways": 0.1}, "has no operator command 'sideways'; valid: forward"),
        ({"forward": 1.5}, r"1\.5 is outside its range; valid: -1\.0 to 1\.0"),
        ({"forward": float("nan")}, "nan is outside its range"),
    ],
)
def test_what_the_policy_does_not_take_is_refused_before_anything_moves(run, commands, said):
    with pytest.raises(UserError, match=said):
        run(commands=commands)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (ImuFaultConfig(kind="imu_frozen", imu="arm", start="200 ms"), "IMU_FROZEN"),
        (ImuFaultConfig(kind="imu_nan", imu="arm", start="200 ms"), "IMU_IMPLAUSIBLE"),
        (UnplugFaultConfig(kind="unplug", bus="arm", start="200 ms"), "IMU_STALE"),
    ],
)
def test_a_robot_whose_imu_fails_is_damped(run, fault, reason):
    report, log, _ = run(fault, duration=2.0)
    assert report.final_state is State.DAMPING
    assert report.interventions[reason] > 0
    assert not report.ok
    ticks = read_log(log).ticks
    failed = next(index for index, tick in enumerate(ticks) if reason in tick["reasons"])
    assert all(tick["state"] == "DAMPING" and not tick["ran"] for tick in ticks[failed:])
    assert failed * 10 <= 200 + 100 + 20  # ms: its fault, its `stale_after`, and two ticks
    assert any(event.joint == "arm" for event in report.events)


def test_an_imu_that_comes_back_lets_the_policy_act_again(run):
    fault = UnplugFaultConfig(kind="unplug", bus="arm", start="200 ms", duration="200 ms")
    report, log, policy = run(fault, duration=2.0)
    assert report.final_state is State.RUNNING
    assert sum(tick["reset"] for tick in read_log(log).ticks) == 2
    assert replay(log, policy).mismatches == ()


def test_an_imu_that_the_policy_does_not_see_does_not_stop_it(run):
    fault = UnplugFaultConfig(kind="unplug", bus="arm", start="200 ms")
    report, log, _ = run(fault, terms=("joint_position", "joint_velocity"))
    assert report.final_state is State.RUNNING
    assert read_log(log).ticks[-1]["imu_faults"] == [1]
    assert report.interventions == {}


def test_hardware_that_reads_no_imus_is_refused(policy_of, fake):
    config = task(*ALL)
    policy = policy_of(lambda observation: 0.0)
    policy.contract = contract_of(config)
    with pytest.raises(HardwareError, match="its hardware does not read them"):
        run_session(policy, config.robot, fake, fake.clock)


def test_the_schema_of_the_log_names_what_it_holds(run):
    from mcap.reader import make_reader

    _, log, _ = run()
    with log.open("rb") as file:
        reader = make_reader(file)
        for schema, channel, message in reader.iter_messages():
            if channel.topic != "/contract":
                assert set(json.loads(schema.data)["properties"]) == set(json.loads(message.data)), channel.topic
