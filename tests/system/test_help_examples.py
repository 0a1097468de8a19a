"""Laws of help: every example in it runs, as it is typed, in order, on a fresh home; what follows a command parses."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from command_lines import Session, parsed
from foreign_policies import golden, write_foreign, write_stated
from plugged import Plugged
from worlds import pendulum

from generate.command_reference import examples
from sim2real.configs.library import ROOT
from sim2real.configs.load import load_randomization, load_robot
from sim2real.envs.batch_env import BatchEnv
from sim2real.runtime.flash.message import Request
from sim2real.runtime.flash.terms import Terms

EXAMPLES = examples()

ONLY_PARSED = {
    "bench bus": "half a minute; tests of the command run it with fewer motors",
    "bench calibration": "minutes; run with fewer trials by its own tests",
    "bench emulator": "measures in real time",
    "bench faults": "minutes; a page of the documentation runs it with fewer scenarios",
    "bench flash": "minutes; run with fewer kills by its own tests",
    "bench gap": "minutes of simulation",
    "bench gymnasium": "measures for minutes",
    "bench hil": "measures for a minute",
    "bench learn": "minutes of training, with other projects' packages",
    "bench lockstep": "a minute of simulation",
    "bench loop": "ten minutes of real time",
    "bench models": "minutes of training",
    "bench family": "hours of training",
    "bench returns": "days of training",
    "bench scale": "trains for minutes",
    "bench sim": "measures for minutes",
    "bench soak": "minutes of real time",
    "bench supervisor": "minutes of real time",
    "bench tick": "a million ticks",
    "bench transfer": "trains for minutes",
    "bench used-motors": "minutes",
    "service install": "needs systemd; its own tests run it where there is one",
    "service status": "likewise",
    "service uninstall": "likewise",
    "sweep": "several trainings; its own tests run it",
    "view": "runs until it is stopped; its own tests look at it",
    "demo": "half a minute of training and real time; its own test runs it",
}
"""What is too long to run here, and why. Its lines are parsed."""

INSTEAD = {
    "train pendulum_ppo --set seed=3 --name first": (
        "train pendulum_ppo --set seed=3 --name first --set steps=2048 --set environments=64 "
        "--set evaluation_episodes=2 --set threads=1",
        "ten seconds of learning",
    ),
    "eval first --episodes 256 --set task.episode_duration=5s": (
        "eval first --episodes 8 --set task.episode_duration=5s",
        "a second for each hundred episodes",
    ),
    "run policy.onnx --robot pendulum --emulate --duration 12 --log run.mcap": (
        "run policy.onnx --robot pendulum --lockstep --plant inertia --duration 12 --log run.mcap",
        "twelve seconds of real time",
    ),
    "hil compare pendulum_swingup runs/next/policy.onnx --seeds 20": (
        "hil compare pendulum_swingup runs/next/policy.onnx pendulum_swingup --seeds 1 --plant inertia",
        "twenty seeds of eighteen scenarios",
    ),
    "runs clean --checkpoints": ("runs clean --checkpoints --yes", "there is no terminal to ask on"),
    "hil run pendulum_swingup pendulum_lossy_bus --policy pendulum_swingup": (
        "hil run pendulum_swingup pendulum_lossy_bus --policy pendulum_swingup --plant inertia --jobs 1",
        "processes of its own",
    ),
    "support run.mcap /dev/ttyUSB0": ("support run.mcap", "there is no device"),
    "check quadruped_walk": ("check quadruped_walk --no-picture", "not every machine of CI can render"),
    "reproduce runs/first/diverged/diverged_0.npz --image state.png": (
        "reproduce runs/first/diverged/diverged_0.npz",
        "not every machine of CI can render",
    ),
}
"""What is typed here in place of an example, and why."""

FRESH = ("new robot", "new task", "new scenario", "new experiment", "check")
CONFIGS = ("config list", "config show", "config check", "config schema", "completion", "doctor")
LEARNED = ("train", "eval", "export", "inspect", "report", "reproduce", "runs list", "runs compare", "runs clean")
ROBOT = ("keygen", "sign", "flash", "status", "history", "rollback", "trust", "revoke", "receive", "run", "replay")
SCENARIOS = ("hil run", "hil compare", "import")
MOTORS = tuple(name for name in EXAMPLES if name.startswith("motors "))
IMUS = ("imu scan", "imu set-baud")
HANDS = ("emulate", *(name for name in EXAMPLES if name.startswith("hand ")))
CHAPTERS = (FRESH, CONFIGS, LEARNED, ROBOT, SCENARIOS, (*MOTORS, "support"), IMUS, HANDS)

BEFORE = {
    "motors check": "sim2real motors check so101 --port /dev/ttyACM0 --fix",
    "motors restore": "sim2real motors backup arm.yaml --port /dev/ttyUSB0",
    "motors set-baud": "sim2real motors set-baud --port /dev/ttyUSB0 --id 1 --to 500000",
}
"""What makes an example of a new arm's motors succeed."""

SPEAKING = {
    *("new robot", "new task", "new scenario", "new experiment", "train", "eval", "export", "flash", "run", "hil run"),
    *MOTORS,
    *IMUS,
} - {"motors monitor"}
"""What says what one usually does next; `motors monitor` runs until it is stopped."""


def test_every_example_is_run_or_it_is_said_why_not() -> None:
    said = [*(name for chapter in CHAPTERS for name in chapter), *ONLY_PARSED]
    assert set(EXAMPLES) - set(said) == set(), "put it into a chapter, or into ONLY_PARSED with a reason"
    assert sorted(said) == sorted(EXAMPLES)
    typed = {line.removeprefix("sim2real ") for lines in EXAMPLES.values() for line in lines}
    assert set(INSTEAD) <= typed


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_parses_and_is_of_its_command(name: str) -> None:
    assert EXAMPLES[name]
    for line in EXAMPLES[name]:
        assert parsed(line) == name


class Desk:
    """A fresh home and an empty folder in it; types the examples of a command."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "home").mkdir()
        (folder / "work").mkdir()
        monkeypatch.setenv("HOME", str(folder / "home"))
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.chdir(folder / "work")
        self.session = Session(monkeypatch)
        self.folder = folder

    def type(self, name: str, given: str | None = None) -> str:
        """Type the examples of a command; what it says one does next must parse."""
        said = ""
        for line in EXAMPLES[name]:
            words = line.removeprefix("sim2real ")
            typed = f"sim2real {INSTEAD[words][0] if words in INSTEAD else words}"
            said += self.session.type(typed, given)
            following = self.session.next[typed]
            assert (bool(following) or "--target c" in line) == (name in SPEAKING), line
            for command in following:
                parsed(command)
        return said

    def shipped(self, file: str, to: str) -> None:
        """Copy a shipped file."""
        shutil.copy(ROOT / file, to)

    def own_arm(self) -> None:
        """Make the files of an arm of one's own."""
        self.shipped("robots/so101.xml", "my_arm.xml")
        text = (ROOT / "robots/so101.yaml").read_text()
        Path("my_arm.yaml").write_text(text.replace("so101.xml", "my_arm.xml").replace("name: so101", "name: my_arm"))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def _nothing_outside(tmp_path: Path):
    yield
    if (tmp_path / "home").is_dir():
        left = {path.name for path in (tmp_path / "home").iterdir()}
        assert left <= {".cache", ".config"}, "an example writes into the home folder"
        assert {path.name for path in tmp_path.iterdir()} == {"home", "work"}, "an example writes outside its folder"


@pytest.mark.slow
def test_the_first_files_of_one_s_own(desk: Desk) -> None:
    desk.shipped("robots/so101.xml", "my_arm.xml")
    for name in FRESH:
        desk.type(name)


@pytest.mark.slow
def test_configurations(desk: Desk) -> None:
    desk.shipped("tasks/pendulum_swingup.yaml", "my_task.yaml")
    for name in CONFIGS[:-1]:
        desk.type(name)
    desk.session.type("sim2real doctor", status=None)


@pytest.mark.slow
def test_a_run(desk: Desk) -> None:
    for name in LEARNED[:5]:
        desk.type(name)
    shutil.copytree("runs/first", "runs/second")
    diverged(Path("runs/first"))
    for name in LEARNED[5:]:
        desk.type(name)


@pytest.mark.slow
def test_a_robot(desk: Desk) -> None:
    desk.shipped("policies/pendulum_swingup.onnx", "policy.onnx")
    desk.type("keygen")
    desk.type("sign")
    desk.type("flash")
    desk.session.type("sim2real train pendulum_ppo --name first --set steps=512 --set environments=8 --set threads=1")
    desk.session.type("sim2real flash first --to robots/desk --robot pendulum")
    for name in ("status", "history", "rollback"):
        desk.type(name)
    key = Path("release.key.pub").read_text().splitlines()[1]
    Path("dog.yaml").write_text(f"name: dog\nkind: directory\npath: dog\nrobot: pendulum\ntrusted_keys: [{key}]\n")
    desk.session.type("sim2real flash policy.onnx --to dog.yaml")
    desk.type("trust")
    Path("request").write_text(
        Request(action="status", path="robots/desk", robot="pendulum", terms=Terms()).model_dump_json() + "\n"
    )
    desk.type("receive")
    desk.type("run")
    desk.type("replay")
    (line,) = EXAMPLES["revoke"]
    digest = json.loads(desk.session.type("sim2real inspect policy.onnx --json"))["sha256"]
    desk.session.type(line.replace("3f2a9c01", digest[:8]))


@pytest.mark.slow
def test_scenarios_and_a_policy_from_another_project(desk: Desk) -> None:
    Path("runs/next").mkdir(parents=True)
    desk.shipped("policies/pendulum_swingup.onnx", "runs/next/policy.onnx")
    for name in ("hil run", "hil compare"):
        desk.type(name)
    model = write_foreign(Path("policy.onnx"))
    write_stated(Path("go1.yaml"))
    recorded = {name: values.tolist() for name, values in golden(model).items()}
    Path("golden.json").write_text(json.dumps(recorded))
    desk.type("import")


@pytest.mark.slow
@pytest.mark.parametrize("name", MOTORS)
def test_motors(name: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    plugged = Plugged(monkeypatch, ttyUSB0="so101", ttyACM0="so101")
    desk.own_arm()
    ports = iter([{"/dev/ttyUSB0": "adapter"}, {}, {"/dev/ttyUSB0": "adapter"}])
    monkeypatch.setattr("sim2real.hardware.commands.motors_find.usb_ports", lambda: next(ports))
    monkeypatch.setattr("os.access", lambda path, mode: True)
    if name == "motors setup":
        plugged.take_apart()
    if name in BEFORE:
        desk.session.type(BEFORE[name], status=None)
    if name in ("motors monitor", "motors show"):
        monkeypatch.setattr("rich.live.Live.update", pressed)
    desk.type(name, "y\n")
    assert not any(plugged.torques())


@pytest.mark.slow
def test_an_imu(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    Plugged(monkeypatch, ttyUSB2=(load_robot("quadruped"), "trunk"))
    for name in IMUS:
        desk.type(name)


@pytest.mark.slow
def test_support(desk: Desk) -> None:
    run = "sim2real run pendulum_swingup --robot pendulum --lockstep --plant inertia --duration 1 --log run.mcap"
    desk.session.type(run, status=None)
    desk.type("support")


@pytest.mark.realtime
def test_hands_at_an_emulated_robot(desk: Desk) -> None:
    with emulating("so101", "--control", "hands"):
        for name in HANDS[1:]:
            desk.type(name)
    (line,) = EXAMPLES["emulate"]
    with emulating(*line.split()[2:]) as first:
        assert json.loads(first)["robot"] == "pendulum"


@contextmanager
def emulating(*words: str):
    """Serve an emulated robot by the installed command; yield the first line that it prints."""
    program = [sys.executable, "-c", "from sim2real.cli import main; main()", "emulate", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline()
        finally:
            process.terminate()
        assert process.wait(20) == 0


def pressed(*_, **__):
    raise KeyboardInterrupt


def diverged(run: Path) -> None:
    """Leave in a run what training leaves when a simulation diverges."""
    env = BatchEnv(pendulum(), load_randomization("pendulum"), 4, seed=1)
    env.reset_arrays(1)
    divergence = env.simulation.divergence
    divergence.folder = run / "diverged"
    env.simulation.batch.expand("dof_damping")[2] = -1e7
    for _ in range(20):
        env.step_arrays(np.full((4, 1), 0.3, np.float32))
        if divergence.saved:
            return
