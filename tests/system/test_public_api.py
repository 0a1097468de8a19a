"""Laws of `import sim2real`: what it offers, that it is light, that it is documented, and that its types are real."""

import ast
import doctest
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sim2real

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("configs", "hardware", "runtime", "sim2real", "training")
HEAVY = ("numpy", "torch", "mujoco", "onnxruntime", "pydantic", "typer", "rich", "gymnasium", "yaml", "serial")

# Changing a line here changes what users have written: it wants an entry in the changelog.
SIGNATURES = {
    "emulate": "(robot, *, plant=None, faults=None, real_time=False)",
    "evaluate": "(policy, *, episodes=64, randomization=None, overrides=(), seed=20000003, video=None, env=None, "
    "emulated=0, record=None)",
    "load_policy": "(policy)",
    "load_robot": "(reference, overrides=())",
    "make_env": "(task, *, num_envs=None, randomization=None, seed=None, threads=0, render_mode=None)",
    "open_robot": "(robot, *, ports=None)",
    "run": "(policy, robot, *, ports=None, emulate=False, lockstep=False, plant=None, faults=None, duration=None, "
    "commands=None, on_tick=None, log=None, real_time=True, cpu=None, bus_rate=None, operator=(), panel=None, "
    "start=False, live=False, foxglove=None, log_rotate=None)",
    "train": "(experiment=None, *, algorithm=None, steps=None, overrides=(), name=None, runs_dir='runs', resume=None, "
    "init_from=None, device=None, progress=False)",
}
MEMBERS = {
    "EvaluationReport": ["demonstrations", "document", "overrides", "policy", "row", "rows", "task", "video"],
    "OpenRobot": [
        "close",
        "disable",
        "enable",
        "enabled",
        "imu_names",
        "joint_names",
        "notices",
        "read",
        "torque_problem",
        "write",
    ],
    "RunReport": [
        "bus",
        "distance",
        "document",
        "duration",
        "events",
        "final_state",
        "goal",
        "goal_reached",
        "held_ticks",
        "interventions",
        "interventions_total",
        "joints",
        "log",
        "logged_ticks",
        "missed_ticks",
        "ok",
        "position",
        "reasons",
        "setting",
        "statistics",
        "stopped_by",
        "swaps",
        "ticks",
        "time",
        "warnings",
    ],
    "Tick": [
        "action",
        "command",
        "imus",
        "joint_names",
        "joints",
        "number",
        "observation",
        "ran",
        "set_command",
        "state",
        "stop",
        "swap",
        "time_ns",
    ],
    "TrainReport": [
        "best",
        "curriculum",
        "document",
        "evaluation",
        "export",
        "iterations",
        "metrics",
        "parity",
        "policy",
        "run",
        "seconds",
        "seed",
        "steps",
        "steps_per_second",
    ],
    "UserError": ["add_note", "args", "with_traceback"],
}
WRITE = "(self, position=None, *, velocity=None, effort=None, stiffness=None, damping=None)"


def signature(function) -> str:
    """The signature without types, which the type checker holds."""
    found = inspect.signature(function)
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in found.parameters.values()]
    return str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def python(*arguments: str, cwd: Path = ROOT) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_names_are_these():
    assert sorted(sim2real.__all__) == sorted(["__version__", *SIGNATURES, *MEMBERS])
    assert dir(sim2real) == sorted(sim2real.__all__)
    for name in sim2real.__all__:
        assert getattr(sim2real, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'lod_robot'"):
        sim2real.lod_robot  # noqa: B018


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signatures_are_these(name):
    assert signature(getattr(sim2real, name)) == SIGNATURES[name]


@pytest.mark.parametrize("name", MEMBERS)
def test_the_members_are_these(name):
    kind = getattr(sim2real, name)
    names = set(dir(kind)) | set(kind.__annotations__)
    assert sorted(member for member in names if not member.startswith("_")) == MEMBERS[name]


def test_what_is_written_to_a_robot_is_this():
    assert signature(sim2real.OpenRobot.write) == WRITE


def test_the_version_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert sim2real.__version__ == version("sim2real")


def test_importing_it_loads_nothing_heavy():
    program = f"import sys, sim2real; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert python("-c", program).strip() == "[]"
    loaded = {
        line.rpartition("|")[2].strip() for line in python("-X", "importtime", "-c", "import sim2real").splitlines()
    }
    assert "sim2real" in loaded
    assert not [name for name in loaded if name.startswith("sim2real.") or name.partition(".")[0] in HEAVY]


@pytest.mark.parametrize("name", ["train", "evaluate", "make_env", "TrainReport", "EvaluationReport"])
def test_a_name_that_needs_an_extra_is_there_without_it(name):
    heavy = ("torch", "mujoco", "gymnasium", "onnx", "matplotlib")
    program = f"import sys, sim2real; sim2real.{name}; print([name for name in {heavy!r} if name in sys.modules])"
    assert python("-c", program).strip() == "[]"


IN_REAL_TIME = {"emulate", "open_robot"}
"""Their examples serve ports in a child process: on a busy machine the watchdog of 0.1 s may stop the motors."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.realtime] * (name in IN_REAL_TIME)) for name in SIGNATURES]
)
def test_every_function_says_what_it_takes_gives_and_raises_and_its_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function = inspect.unwrap(getattr(sim2real, name))
    text = inspect.getdoc(function) or ""
    arguments = text.partition("Args:")[2].partition("\n\n")[0]
    for parameter in inspect.signature(function).parameters:
        assert f"    {parameter}: " in arguments, f"{name}: {parameter} is not documented"
    assert "Raises:" in text
    assert "Returns:" in text or "Yields:" in text
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    (test,) = [each for each in doctest.DocTestFinder().find(function, name, globs={}) if each.examples]
    said: list[str] = []
    assert runner.run(test, out=said.append).failed == 0, "".join(said)
    assert f"sim2real.{name}(" in "".join(example.source for example in test.examples)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_public_member_of_a_class_is_documented(name):
    kind = getattr(sim2real, name)
    assert kind.__doc__
    for member, value in vars(kind).items():
        if not member.startswith("_") and (callable(value) or isinstance(value, property)):
            assert inspect.getdoc(value), f"{name}.{member}"


USER = '''
"""What somebody writes who checks his types."""

from pathlib import Path

import gymnasium
import numpy as np

import sim2real


def watch(tick: sim2real.Tick) -> None:
    if float(tick.joints.position[0]) > 1.0:
        tick.stop()
    reveal_type(tick.observation)


def work() -> None:
    robot = sim2real.load_robot("pendulum")
    reveal_type(robot.joint_names)
    reveal_type(sim2real.load_policy("pendulum_swingup").digest)
    with sim2real.emulate(robot, plant="inertia", faults="lossy_bus") as emulated:
        reveal_type(emulated.ports)
        with sim2real.open_robot(robot, ports=emulated.ports) as opened:
            opened.enable()
            opened.write({"pivot": 0.1}, effort=np.zeros(1))
            reveal_type(opened.read().joint("pivot").position)
    one: gymnasium.Env[np.ndarray, np.ndarray] = sim2real.make_env("pendulum_swingup", seed=1)
    reveal_type(sim2real.make_env("pendulum_swingup"))
    reveal_type(sim2real.make_env("pendulum_swingup", num_envs=8))
    try:
        reveal_type(sim2real.run("p.onnx", Path("r.yaml"), lockstep=True, duration=1.0, on_tick=watch).ticks)
    except sim2real.UserError as error:
        print(error, one)
    report = sim2real.train("pendulum_ppo", overrides=("seed=3",), name="a")
    reveal_type(report.policy)
    reveal_type(sim2real.evaluate(report.policy).row("none").success)
    reveal_type(sim2real.__version__)


def wrong() -> None:
    sim2real.lod_robot  # Module has no attribute "lod_robot"
    sim2real.make_env(3)  # No overload variant
    sim2real.make_env("t", num_envs="2")  # No overload variant
    sim2real.run("p", "r", duraton=1.0)  # Unexpected keyword argument "duraton"
    sim2real.emulate("r", plant=3)  # Argument "plant"
'''
REVEALED = [
    "numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.floating[numpy._typing._nbit_base._32Bit]]]",
    "tuple[str, ...]",
    "str",
    "dict[str, str]",
    "float",
    "sim2real.envs.single_env.SingleEnv",
    "sim2real.envs.batch_env.BatchEnv",
    "int",
    "pathlib.Path",
    "float",
    "str",
]


def test_a_users_script_is_checked_against_the_real_types(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(USER, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--show-column-numbers"]
    # A type checker does not see editable installations; those from a wheel it does.
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    cache = ("--cache-dir", str(ROOT / ".mypy_cache" / "user"))
    done = subprocess.run(
        [*command, *cache, script.name], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    revealed = [line.partition('Revealed type is "')[2].rstrip('"') for line in lines if "Revealed" in line]
    assert [text.replace("builtins.", "") for text in revealed] == REVEALED, done.stdout + done.stderr
    said = {int(line.split(":")[1]): line for line in lines if " error: " in line}
    expected = {number: line.partition("  # ")[2] for number, line in enumerate(USER.splitlines(), 1) if "  # " in line}
    assert said.keys() == expected.keys(), done.stdout
    for number, text in expected.items():
        assert text in said[number]


def test_the_package_says_that_it_is_typed():
    assert (Path(sim2real.__file__).parent / "py.typed").is_file()


def test_nothing_inside_uses_the_face():
    """The face maps names to places; a package that used it would import what is above it."""
    lazy = set(sim2real.__all__) - {"__version__"}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module == "sim2real":
                    assert not lazy & {alias.name for alias in node.names}, path
                if isinstance(node, ast.Import):
                    assert "sim2real" not in [alias.name for alias in node.names], path
