"""Laws of `run`: one report whose document is the command's, hooks that see each tick, refusals in one line."""

import json
import signal

import numpy as np
import pytest
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_faults, load_robot
from sim2real.hardware.emulator.process import emulate
from sim2real.hardware.errors import HardwareError
from sim2real.runtime import emulation
from sim2real.runtime.commands import run as run_command
from sim2real.runtime.policy import load_policy
from sim2real.runtime.run import run
from sim2real.runtime.tick import Tick

LOCKSTEP = {"lockstep": True, "plant": "inertia"}


def command_document(*arguments: object) -> dict:
    done = CliRunner().invoke(run_command.app, [*map(str, arguments), "--plant", "inertia", "--json"])
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout)


def reproducible(document: dict) -> dict:
    """The document without how long the machine took."""
    return {key: value for key, value in document.items() if key != "tick_times"}


def test_the_document_of_the_report_is_that_of_the_command(model_of):
    model = model_of()
    report = run(model, "pendulum", duration=1.0, faults="lossy_bus", **LOCKSTEP)
    document = command_document(model, "--robot", "pendulum", "--lockstep", "--duration", 1, "--faults", "lossy_bus")
    assert reproducible(json.loads(json.dumps(report.document()))) == reproducible(document)
    assert document.keys() == report.document().keys()


@pytest.mark.realtime
def test_over_ports_too(model_of):
    model = model_of()
    report = run(model, "pendulum", duration=0.2, emulate=True, plant="inertia", real_time=False)
    document = command_document(model, "--robot", "pendulum", "--emulate", "--duration", 0.2, "--no-real-time")
    assert report.document().keys() == document.keys()
    assert document["mode"] == report.document()["mode"] == "emulated"
    assert document["ports"].keys() == report.document()["ports"].keys() == {"main"}


def test_names_paths_and_loaded_objects_mean_the_same(model_of):
    model = model_of()
    given = run(str(model), "pendulum", duration=0.5, faults="lossy_bus", **LOCKSTEP)
    loaded = run(load_policy(model), load_robot("pendulum"), duration=0.5, faults=load_faults("lossy_bus"), **LOCKSTEP)
    assert reproducible(given.document()) == reproducible(loaded.document())


def test_a_hook_sees_each_tick_and_cannot_change_what_was_decided(model_of):
    seen: list[tuple[int, str, float, float]] = []

    def watch(tick: Tick) -> None:
        seen.append((tick.number, tick.state.name, float(tick.joints.position[0]), float(tick.command.effort[0])))
        for array in (tick.joints.position, tick.command.effort, tick.observation, tick.action):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1.0

    with_hook = run(model_of(), "pendulum", duration=0.5, on_tick=watch, **LOCKSTEP)
    without = run(model_of(), "pendulum", duration=0.5, **LOCKSTEP)
    np.testing.assert_array_equal(with_hook.position, without.position)
    assert [number for number, *_ in seen] == list(range(1, with_hook.ticks + 1))
    assert {state for _, state, *_ in seen} == {"RUNNING"} | {state for _, state, *_ in seen[:1]}
    np.testing.assert_array_equal([position for *_, position, _ in seen], with_hook.position[:, 0])


def test_a_hook_can_end_the_run(model_of):
    report = run(
        model_of(), "pendulum", duration=5.0, on_tick=lambda tick: tick.number == 20 and tick.stop(), **LOCKSTEP
    )
    assert report.ticks == 20
    assert report.stopped_by == "hook"


def test_a_hook_gives_operator_commands():
    def ask(tick: Tick) -> None:
        if tick.number == 30:
            tick.set_command("forward", 0.3)

    start = run("hopper_hop", "hopper_leg", duration=1.0, **LOCKSTEP)
    asked = run("hopper_hop", "hopper_leg", duration=1.0, on_tick=ask, **LOCKSTEP)
    assert not np.array_equal(start.position, asked.position)
    with pytest.raises(UserError, match="has no operator command 'sideways'; valid: "):
        run("hopper_hop", "hopper_leg", duration=1.0, on_tick=lambda t: t.set_command("sideways", 1.0), **LOCKSTEP)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_torque_is_off_after_a_hook_that_raises(model_of, error, monkeypatch):
    worlds = []
    make = emulation.lockstep
    monkeypatch.setattr(emulation, "lockstep", lambda *a, **k: worlds.append(make(*a, **k)) or worlds[-1])

    def fail(tick: Tick) -> None:
        if tick.number == 10:
            assert not worlds[0].snapshot()["torque_off"]
            raise error

    with pytest.raises(error):
        run(model_of(), "pendulum", duration=1.0, on_tick=fail, **LOCKSTEP)
    assert worlds[0].snapshot()["torque_off"]


def test_ctrl_c_ends_a_run_in_order_and_the_report_says_so(model_of):
    def interrupt(tick: Tick) -> None:
        if tick.number == 10:
            signal.raise_signal(signal.SIGINT)

    report = run(model_of(), "pendulum", duration=1.0, on_tick=interrupt, **LOCKSTEP)
    assert report.stopped_by == "SIGINT"
    assert report.ticks == 10


WRONG = [
    ({"ports": {"main": "/dev/x"}, "emulate": True}, "do not go with emulate or lockstep"),
    ({"ports": {"main": "/dev/x"}, "lockstep": True, "duration": 1.0}, "do not go with emulate or lockstep"),
    ({"ports": {"man": "/dev/x"}}, "has no bus 'man'; valid: main"),
    ({"emulate": True, "lockstep": True, "duration": 1.0}, "give one of them"),
    ({"lockstep": True, "duration": 1.0, "cpu": 0}, "cpu is for runs in real time"),
    ({"lockstep": True, "duration": 1.0, "plant": ""}, "no plant named ''"),
    ({"faults": "lossy_bus"}, "faults need an emulated robot"),
    ({"plant": "inertia"}, "a plant needs an emulated robot"),
    ({"lockstep": True}, "lockstep needs a duration"),
    ({"lockstep": True, "duration": float("nan")}, "duration: nan s"),
    ({"lockstep": True, "duration": -1.0}, "duration: -1.0 s"),
    ({"lockstep": True, "duration": 1.0, "commands": {"forward": 1.0}}, "no operator command 'forward'; valid: none"),
    ({"lockstep": True, "duration": 1.0, "plant": "jelly"}, "no plant named 'jelly'"),
    ({"lockstep": True, "duration": 1.0, "faults": "no_such"}, "no faults entry named 'no_such'"),
]


@pytest.mark.parametrize(("options", "line"), WRONG, ids=[line for _, line in WRONG])
def test_what_does_not_go_together_is_refused_in_one_line(model_of, options, line):
    with pytest.raises(UserError) as refused:
        run(model_of(), "pendulum", **options)
    assert line in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.realtime
def test_a_run_that_is_refused_leaves_the_port_free(model_of):
    with emulate("pendulum", plant="inertia") as emulated:
        for _ in range(2):  # a port that stays open is busy the second time
            with pytest.raises(UserError, match="has no operator command") as refused:
                run(model_of(), "pendulum", ports=emulated.ports, commands={"forward": 1.0}, real_time=False)
            assert not isinstance(refused.value, HardwareError)
            kept = refused  # noqa: F841 - the traceback keeps the port's object alive, as a debugger would
