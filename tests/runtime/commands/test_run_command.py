"""Laws of `sim2real run` and `inspect`: one document, one line for what is wrong, and torque off however it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from onnx import helper
from served import serving
from typer.testing import CliRunner

from sim2real.configs.load import load_robot
from sim2real.runtime.commands import inspect as inspect_command
from sim2real.runtime.commands import run as run_command
from sim2real.runtime.contract.manifest import ENVIRONMENT_KEY, PROVENANCE_KEY
from sim2real.runtime.contract.model_file import with_digest
from sim2real.runtime.log import read_log
from sim2real.runtime.replay import replay

BY_NAME = ("--robot", "pendulum")
LOCKSTEP = (*BY_NAME, "--lockstep", "--plant", "inertia")


def invoke(app, *arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def document_of(result):
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def test_a_lockstep_run_prints_one_document_and_writes_a_log_that_replays(model_of, tmp_path):
    log = tmp_path / "run.mcap"
    result = invoke(run_command.app, model_of(), *LOCKSTEP, "--duration", 1, "--log", log, "--json")
    document = document_of(result)
    assert document["ok"], document["reasons"]
    assert document["mode"] == "lockstep"
    assert document["plant"] == "inertia"
    assert document["final_state"] == "RUNNING"
    assert document["log"] == str(log)
    assert document["logged_ticks"] == document["ticks"] == 101
    assert document["interventions"] == {"total": 0, "by_reason": {}}
    assert replay(log).mismatches == ()
    assert replay(log).ticks == len([tick for tick in read_log(log).ticks if tick["ran"]])


def test_the_text_says_what_came_of_it(model_of):
    result = invoke(run_command.app, model_of(), *LOCKSTEP, "--duration", 0.5)
    assert result.exit_code == 0
    assert "ended in RUNNING by duration" in result.stdout
    assert "p99.9" in result.stdout


def test_a_run_that_ends_before_its_first_tick_has_no_times_to_tell(model_of, tmp_path):
    faults = tmp_path / "low.yaml"
    faults.write_text(
        "name: low\ndescription: A supply that is too low from the start.\n"
        "faults: [{kind: brown_out, voltage: 8 V, duration: 10 s, since: power_up}]\n"
    )
    result = invoke(run_command.app, model_of(), *LOCKSTEP, "--duration", 1, "--faults", faults)
    assert result.exit_code == 1
    assert "nan" not in result.stdout
    assert "ticks           0" in result.stdout


def test_a_model_without_a_digest_is_run_with_a_warning(model_of):
    path = model_of()
    result = invoke(run_command.app, path, *LOCKSTEP, "--duration", 0.5, "--json")
    assert any("no digest" in warning for warning in document_of(result)["warnings"])
    path.write_bytes(with_digest(path.read_bytes()))
    result = invoke(run_command.app, path, *LOCKSTEP, "--duration", 0.5, "--json")
    assert not any("digest" in warning for warning in document_of(result)["warnings"])


def test_a_missed_goal_is_exit_status_one_with_the_reason(model_of):
    result = invoke(run_command.app, model_of(), *LOCKSTEP, "--duration", 6, "--json")
    assert result.exit_code == 1
    assert document_of(result)["goal_reached"] is False
    assert "goal not reached: joint pivot" in result.stderr


def test_faults_of_the_emulated_robot_show_in_the_document(model_of, tmp_path):
    result = invoke(run_command.app, model_of(), *LOCKSTEP, "--faults", "lossy_bus", "--duration", 3, "--json")
    document = document_of(result)
    assert document["ok"], document["reasons"]
    lost = document["faults_injected"]["lose_reply"] + document["faults_injected"]["corrupt_reply"]
    assert document["held_ticks"] > 0
    assert document["bus"]["timeouts"] + document["bus"]["corrupt"] <= lost + 1
    assert document["bus"]["missed_by_joint"]["pivot"] > 0


WRONG = [
    (("no.onnx", *LOCKSTEP, "--duration", "1"), "no.onnx: cannot be read: No such file"),
    (("MODEL", "--robot", "pendul", "--lockstep", "--duration", "1"), "did you mean 'pendulum'"),
    (("MODEL", *LOCKSTEP), "lockstep needs a duration"),
    (("MODEL", *BY_NAME, "--port", "man=/dev/null"), "has no bus 'man'; valid: main"),
    (("MODEL", *BY_NAME, "--port", "main"), "--port main: must be NAME=PATH, for example main=/dev/ttyUSB0"),
    (("MODEL", *BY_NAME, "--port", "main=/dev/no-such-port"), "/dev/no-such-port"),
    (("MODEL", *BY_NAME, "--port", "/dev/no-such-port"), "/dev/no-such-port"),
    (("MODEL", *LOCKSTEP, "--duration", "1", "--port", "main=/dev/x"), "do not go with emulate or lockstep"),
    (("MODEL", *BY_NAME, "--faults", "lossy_bus"), "faults need an emulated robot: emulate or lockstep"),
    (("MODEL", *BY_NAME, "--plant", "inertia"), "a plant needs an emulated robot: emulate or lockstep"),
    (("MODEL", *BY_NAME, "--emulate", "--plant", "jelly"), "no plant named 'jelly'; valid: auto, inertia"),
    (("MODEL", *LOCKSTEP, "--duration", "1", "--faults", "no_such"), "no faults entry named 'no_such'"),
    (("MODEL", *LOCKSTEP, "--duration", "1", "--log", "no/such/folder/run.mcap"), "the log cannot be written"),
    (("MODEL", *LOCKSTEP, "--duration", "1", "--set", "joints.pivot.effort_limit=0.4 N*m"), ", robot 0.4"),
    (("MODEL", *LOCKSTEP, "--duration", "1", "--set", "joints.pivott.id=2"), "pivott"),
]


@pytest.mark.parametrize(("arguments", "line"), WRONG, ids=[line for _, line in WRONG])
def test_what_is_wrong_is_one_clear_line_and_exit_status_one(model_of, arguments, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = model_of()
    result = invoke(run_command.app, *(model if argument == "MODEL" else argument for argument in arguments))
    assert result.exit_code == 1
    assert line in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_inspect_shows_contract_digests_and_provenance(model_of, contract):
    model = model_of()
    document = document_of(invoke(inspect_command.app, model, "--json"))
    assert document["contract"] == json.loads(contract.model_dump_json())
    assert document["contract_sha256"] == contract.digest()
    assert document["bytes"] == model.stat().st_size
    assert document["provenance"] == {"task": "pendulum_swingup"}
    text = invoke(inspect_command.app, model).stdout
    assert "pendulum_swingup at 100 Hz" in text
    model.write_bytes(model.read_bytes()[:200])
    refused = invoke(inspect_command.app, model)
    assert refused.exit_code == 1
    assert len(refused.stderr.strip().splitlines()) == 1


# --- in real time, over a pseudo-terminal; what is asserted is the emulated motor's own state


def start(model, server, *arguments):
    command = [
        sys.executable,
        "-m",
        "sim2real.cli",
        "run",
        str(model),
        *BY_NAME,
        "--port",
        f"main={server.ports['main']}",
    ]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def driven(server):
    return server.emulated.motors["pivot"].driven


def wait_for(condition, timeout_s=30.0):
    """Wait; the bound is for a test that hangs, not a measure of speed."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "timeout"
        time.sleep(0.005)


@pytest.mark.realtime
def test_after_kill_9_torque_goes_off(model_of, tmp_path):
    log = tmp_path / "run.mcap"
    with serving(load_robot("pendulum")) as server, start(model_of(), server, "--log", str(log)) as process:
        wait_for(lambda: driven(server))
        time.sleep(0.7)
        assert driven(server)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        # The time it takes is tested in lockstep, where it is exact.
        wait_for(lambda: not driven(server))  # by the supervisor or the motor's own watchdog, whichever is first
    wait_for(lambda: read_log(log).complete)  # by the log's own process
    assert read_log(log).run == {"stopped_by": "killed"}
    assert read_log(log).ticks


@pytest.mark.realtime
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_torque_off_and_one_document(model_of, number):
    with serving(load_robot("pendulum")) as server, start(model_of(), server, "--json") as process:
        wait_for(lambda: driven(server))
        time.sleep(0.3)
        process.send_signal(number)
        process.send_signal(number)  # the impatient user's second Ctrl-C
        out, err = process.communicate(timeout=30)
        assert not server.emulated.motors["pivot"].torque_enabled
    assert "Traceback" not in err
    assert process.returncode == 0, err
    document = json.loads(out)
    assert document["stopped_by"] == number.name
    assert document["final_state"] == "RUNNING" or document["final_state"] == "READY"


@pytest.mark.realtime
def test_a_busy_port_is_one_clear_line(model_of):
    with serving(load_robot("pendulum")) as server, start(model_of(), server) as first:
        wait_for(lambda: driven(server))
        with start(model_of("second.onnx"), server, "--duration", "1") as second:
            _, err = second.communicate(timeout=30)
        assert second.returncode == 1
        assert "Traceback" not in err
        assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
        assert driven(server)  # the first run is not disturbed
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)
        assert first.returncode == 0


@pytest.mark.realtime
def test_emulate_starts_an_emulator_and_takes_it_down_again(model_of):
    command = [
        sys.executable,
        "-m",
        "sim2real.cli",
        "run",
        str(model_of()),
        *BY_NAME,
        "--emulate",
        "--plant",
        "inertia",
    ]
    done = subprocess.run(
        [*command, "--duration", "0.5", "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["mode"] == "emulated"
    assert document["final_state"] == "RUNNING"
    assert not os.path.exists(document["ports"]["main"])


def test_inspect_shows_the_spaces_of_a_policy_for_no_robot(tmp_path):
    spaces = {
        "environment": "Pendulum-v1",
        "observation_shape": [3],
        "observation_dtype": "float32",
        "action_shape": [1],
        "action_dtype": "float32",
        "action_low": [-2.0],
        "action_high": [2.0],
    }
    path = tmp_path / "policy.onnx"
    graph = helper.make_graph([], "policy", [], [])
    model = helper.make_model(graph)
    helper.set_model_props(model, {ENVIRONMENT_KEY: json.dumps(spaces), PROVENANCE_KEY: json.dumps({"steps": "9"})})
    path.write_bytes(model.SerializeToString())
    document = document_of(invoke(inspect_command.app, path, "--json"))
    assert document["environment"] == spaces
    assert document["provenance"] == {"steps": "9"}
    text = invoke(inspect_command.app, path).stdout
    assert "Pendulum-v1, of Gymnasium's interface; for no robot" in text
    assert "steps: 9" in text
