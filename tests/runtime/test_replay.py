"""Law of replay: through the contract, a log gives every observation, action and target again, bit for bit."""

import pytest

from sim2real.runtime.log import read_log
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.replay import replay
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session


@pytest.fixture
def logged(model_of, robot, fake, tmp_path):
    policy = OnnxPolicy(model_of(gain=-0.7, bias=0.3))
    path = tmp_path / "run.mcap"
    fake.position[:] = 0.7
    fake.velocity[:] = 0.3
    # A lost reply now and then, and one loss long enough to damp: the pipelines are reset after it.
    fake.lost = lambda read: read % 17 == 0 or 150 <= read < 160
    options = RunOptions(duration=3.0, log=path, synchronous_log=True)
    report = run_session(policy, robot, fake, fake.clock, options)
    assert report.ok, report.reasons
    assert report.held_ticks > 5
    return path, policy, report


def test_a_replay_gives_the_same_bits(logged):
    path, policy, report = logged
    result = replay(path, policy)
    assert result.mismatches == ()
    ran = [tick for tick in read_log(path).ticks if tick["ran"]]
    assert result.ticks == len(ran)
    assert 200 < result.ticks < report.ticks
    assert sum(tick["reset"] for tick in ran) == 2


def test_a_reading_changed_in_its_last_bits_is_found(logged, monkeypatch):
    path, policy, _ = logged
    log = read_log(path)
    ran = [tick for tick in log.ticks if tick["ran"]]
    changed = ran[50]
    changed["velocity"][0] *= 1.0 + 2.0**-22  # two units in the last place of the observation's float32
    monkeypatch.setattr("sim2real.runtime.replay.read_log", lambda _path: log)
    result = replay(path, policy)
    assert result.mismatches
    assert result.mismatches[0].tick == changed["tick"]
    assert result.mismatches[0].what == "observation"


def test_a_changed_action_shows_in_the_target_and_in_the_policy(logged, monkeypatch):
    path, policy, _ = logged
    log = read_log(path)
    tick = [tick for tick in log.ticks if tick["ran"]][50]
    tick["action"][0] = 0.123
    monkeypatch.setattr("sim2real.runtime.replay.read_log", lambda _path: log)
    assert {(found.tick, found.what) for found in replay(path, policy).mismatches} >= {
        (tick["tick"], "action"),
        (tick["tick"], "target"),
    }


def test_actions_that_were_not_finite_replay_too(policy_of, robot, fake, tmp_path):
    values = {40: float("nan"), 60: float("inf"), 61: float("-inf")}
    policy = policy_of(lambda observation: values.get(policy.calls, 0.2))
    path = tmp_path / "run.mcap"
    run_session(policy, robot, fake, fake.clock, RunOptions(duration=1.0, log=path, synchronous_log=True))
    result = replay(path)
    assert result.ticks == policy.calls > 61
    assert result.mismatches == ()
