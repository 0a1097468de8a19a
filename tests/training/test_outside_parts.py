"""Laws of parts from outside: an installed package and a module that a task names train, export and run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from sim2real.configs.errors import UserError
from sim2real.runtime.policy import OnnxPolicy

pytestmark = pytest.mark.slow


PACKAGE = '''
"""What a stranger's package brings."""

from typing import Literal

import numpy as np

from sim2real.configs.schema.algorithm import AlgorithmConfig
from sim2real.configs.schema.curriculum import CurriculumConfig, FixedCurriculumConfig
from sim2real.curriculum.fixed import FixedCurriculum
from sim2real.curriculum.kind import CurriculumKind
from sim2real.randomization.parameter import FieldEffect, Parameter
from sim2real.runtime.contract.observation_term import observation_term
from sim2real.training.algorithms.kind import AlgorithmKind


@observation_term(width=lambda of: 2 * of.joints, readings=("joint_position", "joint_velocity"))
def swing(inputs, out):
    """Sine and cosine of twice the joint position."""
    joints = inputs.signals.joint_position.shape[1]
    np.multiply(inputs.signals.joint_position, 2.0, out=out[:, :joints])
    np.sin(out[:, :joints], out=out[:, :joints])
    np.multiply(inputs.signals.joint_velocity, 0.1, out=out[:, joints:])


class SearchConfig(AlgorithmConfig):
    """Random search."""

    name: Literal["search"]
    hidden: tuple[int, ...] = (4,)
    activation: Literal["tanh", "elu", "relu"] = "relu"
    steps: int = 8
    spread: float = 0.1


def make_search(config, environment, seed):
    from acme_search import Search

    return Search(config, environment, seed)


SEARCH = AlgorithmKind(SearchConfig, squashed=True, make=make_search)


class PartWayConfig(CurriculumConfig):
    """Always the same part of the range."""

    strategy: Literal["part_way"]
    share: float = 0.5


PART_WAY = CurriculumKind(
    PartWayConfig,
    lambda config, space: FixedCurriculum(FixedCurriculumConfig(strategy="fixed", level=config.share), space),
    moves=True,
)

PARAMETERS = (
    Parameter("bearing_drag", "N*m*s/rad", ("set",), "joint", (FieldEffect("dof_damping", apply="add"),)),
)
'''

LEARNER = '''
import copy

import torch

from sim2real.training.policy import Policy


class Search:
    """Keeps a policy whose weights were changed at random if it was paid more."""

    def __init__(self, config, environment, seed):
        self.config, self.environment = config, environment
        self.generator = torch.Generator().manual_seed(seed)
        sizes = environment.observation_size, environment.action_size
        self.policy = Policy(config, *sizes, self.generator, squash=True)
        self.best = float("-inf")

    def start(self, seed):
        self.observation = torch.from_numpy(self.environment.reset_arrays(seed).copy())

    @torch.no_grad()
    def iterate(self, progress):
        before, paid = copy.deepcopy(self.policy.state_dict()), 0.0
        for weights in self.policy.parameters():
            weights += self.config.spread * torch.randn(weights.shape, generator=self.generator)
        for _ in range(self.config.steps):
            transition = self.environment.step_arrays(self.policy.act(self.observation.numpy()))
            paid += float(transition.reward.mean())
            self.observation = torch.from_numpy(transition.observation.copy())
        if paid < self.best:
            self.policy.load_state_dict(before)
        self.best = max(self.best, paid)
        return self.config.steps * self.environment.num_envs, {"search/best": self.best}

    def state(self):
        return {"best": self.best, "generator": self.generator.get_state(), "observation": self.observation}

    def restore(self, state):
        self.best, self.observation = float(state["best"]), state["observation"]
        self.generator.set_state(state["generator"])
'''

ENTRY_POINTS = """
[sim2real.observation_terms]
swing = acme_parts:swing

[sim2real.algorithms]
search = acme_parts:SEARCH

[sim2real.curricula]
part_way = acme_parts:PART_WAY

[sim2real.parameters]
acme = acme_parts:PARAMETERS
"""

TERMS = """
import numpy as np

from sim2real.task import HeldCommands, MetricSums, command, metric, privileged, reward, termination


@reward()
def lifted(state, constants, scale):
    return -np.cos(state.position[:, 0]) / scale


@termination()
def fast(state, constants, limit):
    return np.abs(state.velocity[:, 0]) > limit


@metric()
class Peak(MetricSums):
    names = ("peak",)

    def __init__(self, n, constants):
        super().__init__(n, total=np.zeros(n))

    def add(self, state, command_changed):
        self.arrays["total"][:] = np.maximum(self.arrays["total"], np.abs(state.position[:, 0]))

    def finish(self, ids):
        return {"peak": self.arrays["total"][ids]}


@privileged(size=1)
def truth(seen):
    return [seen.state.position[:, :1]]


@command()
class Ends(HeldCommands):
    uniforms = 1

    def draw(self, uniform, ids):
        return np.where(uniform < 0.5, self.low, self.high)
"""

EXPERIMENT = """
name: outside
task: task.yaml
randomization:
  name: drag
  parameters: [{parameter: bearing_drag, range: [0 N*m*s/rad, 0.01 N*m*s/rad]}]
curriculum: {strategy: part_way, share: 0.25}
algorithm: {name: search, spread: 0.2}
environments: 4
steps: 96
evaluation_episodes: 2
checkpoint_every: 1
threads: 1
"""

SET_IN_TASK = {
    "observation": [{"term": "joint_position"}, {"term": "swing", "clip": 1.5, "history": 2}, {"term": "command"}],
    "rewards": [{"term": "lifted", "weight": 1.0}],
    "terminations": [{"term": "fast", "limit": 60.0}],
    "metrics": ["Peak"],
    "privileged": ["truth"],
    "commands": {"pace": {"range": [-1.0, 1.0]}},
    "command_source": {"kind": "Ends", "hold": ["0.2 s", "0.4 s"]},
    "modules": ["my_terms.py"],
    "episode_duration": "0.5 s",
}


def installed(site: Path, version: str, *, name: str = "acme-parts", entry_points: str = ENTRY_POINTS) -> None:
    """Install a package as pip would, in a folder of its own."""
    site.mkdir(exist_ok=True)
    (site / "acme_parts.py").write_text(PACKAGE)
    (site / "acme_search.py").write_text(LEARNER)
    info = site / f"{name.replace('-', '_')}-1.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)


def sim2real(folder: Path, site: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the package installed, or without it."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if site is not None:
        env["PYTHONPATH"] = str(site)
    command = [sys.executable, "-c", "from sim2real.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)


def succeeded(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["ok"] is True
    return document


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()
    (line,) = [line for line in said if not line.startswith("task check:")]
    return line


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder, with a run of an experiment made of parts from outside in `runs/first`."""
    import yaml

    from sim2real.configs.library import ROOT
    from sim2real.configs.yaml_source import read_yaml

    folder = tmp_path_factory.mktemp("user")
    installed(folder / "site", "1.2")
    task = read_yaml(ROOT / "tasks" / "pendulum_swingup.yaml").data | SET_IN_TASK
    task.pop("performance", None)
    (folder / "task.yaml").write_text(yaml.safe_dump(task, sort_keys=False))
    (folder / "my_terms.py").write_text(TERMS)
    (folder / "experiment.yaml").write_text(EXPERIMENT)
    succeeded(sim2real(folder, folder / "site", "train", "experiment.yaml", "--name", "first", "--json"))
    return folder


def test_an_experiment_of_parts_from_outside_trains_and_is_measured(place: Path) -> None:
    lines = [json.loads(line) for line in (place / "runs" / "first" / "metrics.jsonl").read_text().splitlines()]
    assert [line["steps"] for line in lines] == [32, 64, 96]
    assert all("search/best" in line and "curriculum/bearing_drag/high" in line for line in lines)
    assert lines[0]["curriculum/bearing_drag/high"] == pytest.approx(0.0025)
    assert (place / "runs" / "first" / "curriculum.png").is_file()
    row, _ = succeeded(sim2real(place, place / "site", "eval", "runs/first", "--episodes", "4", "--json"))["rows"]
    assert row["metrics"]["peak"]["episodes"] == 4
    assert row["metrics"]["peak"]["mean"] > 0.0


def test_it_resumes_and_exports_with_package_and_version_in_contract_and_provenance(place: Path) -> None:
    site = place / "site"
    succeeded(sim2real(place, site, "train", "--resume", "runs/first", "--set", "steps=128", "--json"))
    succeeded(sim2real(place, site, "export", "runs/first", "-o", "policy.onnx", "--json"))
    metadata = {entry.key: entry.value for entry in onnx.load(place / "policy.onnx").metadata_props}
    terms = json.loads(metadata["sim2real.contract"])["observation"]
    assert terms[1]["provider"] == {"package": "acme-parts", "version": "1.2"}
    assert terms[1]["width"] == 2
    assert "provider" not in terms[0]
    assert json.loads(metadata["sim2real.provenance"])["version.acme-parts"] == "1.2"
    shown = sim2real(place, site, "inspect", "policy.onnx")
    assert "swing: 2 x 2 ticks, scale 1, clip 1.5, of acme-parts 1.2" in shown.stdout


RUN = ("run", "runs/first/policy.onnx", "--robot", "pendulum", "--lockstep", "--plant", "inertia", "--duration", "1")


def test_the_observation_term_runs_on_the_emulated_robot_and_repeats_to_the_bit(place: Path) -> None:
    document = succeeded(sim2real(place, place / "site", *RUN, "--log", "run.mcap", "--json"))
    assert document["final_state"] == "RUNNING"
    assert document["ticks"] > 100
    script = """
import sys
from pathlib import Path
import numpy as np
from sim2real.runtime.log import read_log
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.replay import replay
print(replay(Path("run.mcap"), OnnxPolicy(Path("runs/first/policy.onnx"))))
ran = [tick for tick in read_log(Path("run.mcap")).ticks if tick["ran"]]
position = np.array([tick["position"][0] for tick in ran])
seen = np.array([tick["observation"] for tick in ran])
np.testing.assert_allclose(seen[:, 3], np.clip(np.sin(2.0 * position), -1.5, 1.5), atol=1e-6)
np.testing.assert_array_equal(seen[1:, 1], seen[:-1, 3])
"""
    env = os.environ | {"PYTHONPATH": str(place / "site")}
    done = subprocess.run([sys.executable, "-c", script], cwd=place, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_robot_without_the_package_or_with_another_version_refuses_in_one_line(place: Path) -> None:
    cure = "install it with: pip install acme-parts==1.2"
    missing = "the policy observes 'swing' of package acme-parts 1.2, which is not installed"
    assert refused(sim2real(place, None, *RUN)) == f"error: runs/first/policy.onnx: {missing}; {cure}"
    installed(place / "newer", "1.3")
    other = "the policy observes 'swing' of package acme-parts 1.2, and installed is that of acme-parts 1.3"
    assert refused(sim2real(place, place / "newer", *RUN)).startswith(
        f"error: runs/first/policy.onnx: {other}; {cure}, or train"
    )
    for command in (("flash", "runs/first/policy.onnx", "--to", "pendulum"), ("inspect", "runs/first/policy.onnx")):
        assert missing in refused(sim2real(place, None, *command))
    # In this process, which has no such package either.
    with pytest.raises(UserError, match=missing):
        OnnxPolicy(place / "runs" / "first" / "policy.onnx")


def test_the_robot_never_runs_the_task_s_modules(place: Path) -> None:
    text = (place / "my_terms.py").read_text()
    try:
        (place / "my_terms.py").write_text("raise RuntimeError('this ran')\n")
        succeeded(sim2real(place, place / "site", *RUN, "--json"))
        assert "this ran" in sim2real(place, place / "site", "config", "check", "tasks", "task.yaml").stderr
        assert sim2real(place, place / "site", "config", "show", "tasks", "task.yaml").returncode == 0
    finally:
        (place / "my_terms.py").write_text(text)


def line_of(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


FOREIGN = {
    "task: task.yaml": "task: pendulum_swingup",
    "algorithm: {name: search, spread: 0.2}": "algorithm: {name: ppo}",
    "curriculum: {strategy: part_way, share: 0.25}": "curriculum: {strategy: none}",
    "[{parameter: bearing_drag, range: [0 N*m*s/rad, 0.01 N*m*s/rad]}]": "[]",
}
"""What of the experiment is from outside, and what is shipped in its place."""


@pytest.mark.parametrize(
    ("kept", "message"),
    list(
        zip(
            FOREIGN,
            (
                "task.observation.1.term: no observation term named 'swing'; valid: command, gyro, joint_effort",
                "algorithm.name: no algorithm named 'search' (did you mean 'sac'?); valid: ",
                "curriculum.strategy: no curriculum named 'part_way'; valid: adr, doraemon, fixed, none",
                "randomization.parameters.0.parameter: no parameter named 'bearing_drag'; valid: action_bias, ",
            ),
            strict=True,
        )
    ),
)
def test_without_the_package_a_name_is_refused_at_its_line_with_the_valid_ones(
    kept: str, message: str, place: Path
) -> None:
    text = EXPERIMENT
    for foreign, shipped in FOREIGN.items():
        text = text if foreign == kept else text.replace(foreign, shipped)
    path = place / "one.yaml"
    path.write_text(text)
    found = refused(sim2real(place, None, "config", "show", "experiments", "one.yaml"))
    at = (place / "task.yaml", "term: swing") if "task" in kept else (path, kept)
    assert f"{at[0]}:{line_of(*at)}: {message}" in found


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "algorithm.spred=0.1",
            "algorithm.spred: unknown key (did you mean 'spread'?); valid: name, hidden",
        ),
        ("algorithm.spread=wide", "algorithm.spread: must be a valid number, not 'wide'"),
        ("algorithm.steps=true", "algorithm.steps: must be a valid integer, not true"),
        ("curriculum={share: 0.1}", "curriculum.strategy: this key is required and missing; valid: adr, doraemon, fix"),
        ("curriculum=part_way", "curriculum: must be a mapping of keys to values"),
    ],
)
def test_a_block_validates_against_the_schema_of_its_part(override: str, message: str, place: Path) -> None:
    done = sim2real(place, place / "site", "config", "show", "experiments", "experiment.yaml", "--set", override)
    assert message in refused(done)


def test_a_key_of_the_part_may_be_set_and_is_in_the_schema_for_editors(place: Path) -> None:
    override = ("--set", "algorithm.steps=5")
    shown = sim2real(place, place / "site", "config", "show", "experiments", "experiment.yaml", *override)
    assert "  steps: 5\n" in shown.stdout
    assert "  spread: 0.2\n" in shown.stdout
    succeeded(sim2real(place, place / "site", "config", "schema", "schema", "--json"))
    text = (place / "schema" / "experiments.json").read_text()
    assert '"SearchConfig"' in text
    assert '"PartWayConfig"' in text
    assert '"bearing_drag"' in text
    assert '"swing"' in text


def test_a_broken_package_is_named_with_its_traceback_and_the_others_go_on(place: Path) -> None:
    broken = ENTRY_POINTS.replace("acme_parts:", "acme_gone:")
    for name, other in (("swing", "sway"), ("search", "fall"), ("part_way", "no_way"), ("acme =", "gone =")):
        broken = broken.replace(name, other)
    installed(place / "site", "0.1", name="acme-broken", entry_points=broken)
    try:
        succeeded(sim2real(place, place / "site", *RUN, "--json"))
        show = ("config", "show", "experiments", "experiment.yaml")
        assert sim2real(place, place / "site", *show).returncode == 0
        done = sim2real(place, place / "site", *show, "--set", "algorithm={name: fall}")
        assert done.returncode == 1
        assert "error: algorithm 'fall' of acme-broken 0.1 failed to load:\nTraceback" in done.stderr
        assert "No module named 'acme_gone'" in done.stderr
        # A parameter that nobody declares may be one of a package that failed.
        done = sim2real(place, place / "site", *show, "--set", "randomization.parameters.0.parameter=bearing_drg")
        assert "collection of parameters 'gone' of acme-broken 0.1 failed to load:\nTraceback" in done.stderr
        assert sim2real(place, place / "site", "config", "schema", "schema").returncode == 0
    finally:
        (place / "site" / "acme_broken-1.dist-info" / "entry_points.txt").write_text("")


def test_a_policy_that_is_not_what_its_algorithm_declares_is_refused(place: Path) -> None:
    text = (place / "site" / "acme_search.py").read_text()
    try:
        (place / "site" / "acme_search.py").write_text(text.replace("squash=True", "squash=False"))
        done = sim2real(place, place / "site", "train", "experiment.yaml", "--name", "second")
        assert "algorithm 'search' declares squashed=True, and its policy has squash=False" in refused(done)
    finally:
        (place / "site" / "acme_search.py").write_text(text)


@pytest.mark.parametrize(
    ("command", "options"),
    [("eval", ("--episodes", "1")), ("export", ("-o", "other.onnx")), ("train", ("--set", "steps=1024"))],
)
def test_a_run_is_refused_by_another_version_of_its_terms_and_without_them(
    command: str, options: tuple[str, ...], place: Path
) -> None:
    arguments = (command, *(("--resume",) if command == "train" else ()), "runs/first", *options)
    observed = "runs/first: the policy observes 'swing' of package acme-parts 1.2, "
    installed(place / "site", "2.0")
    try:
        found = refused(sim2real(place, place / "site", *arguments))
    finally:
        installed(place / "site", "1.2")
    assert f"{observed}and installed is that of acme-parts 2.0; install it with: pip install acme-parts==1.2" in found
    assert f"{observed}which is not installed; install it with" in refused(sim2real(place, None, *arguments))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "    return Search(",
            "    1 / 0\n    return Search(",
            "algorithm 'search' of acme-parts 1.2 failed to make a l",
        ),
        (
            "    return Search(",
            "    return list() or list(",
            "algorithm 'search' of acme-parts 1.2 made an object of type l",
        ),
        (
            'Literal["search"]',
            'Literal["serach"]',
            "'search' of acme-parts 1.2 has a schema without `name: Literal['sear",
        ),
        ('Literal["part_way"]', "str", "'part_way' of acme-parts 1.2 has a schema without `strategy: Literal['part_"),
        ("lambda config, space:", "lambda config:", "curriculum 'part_way' of acme-parts 1.2 failed to make a curr"),
        (
            "lambda config, space:",
            "lambda config, space: 1 or",
            "curriculum 'part_way' of acme-parts 1.2 made an object of type i",
        ),
        ('"dof_damping"', '"dof_dampin"', "parameter 'bearing_drag': dof_dampin is not an expandable MjModel field"),
    ],
)
def test_a_part_that_does_not_keep_its_promise_is_named(old: str, new: str, message: str, place: Path) -> None:
    parts = place / "site" / "acme_parts.py"
    assert old in PACKAGE
    try:
        parts.write_text(PACKAGE.replace(old, new).replace("list(config, environment, seed)", "[]"))
        done = sim2real(place, place / "site", "train", "experiment.yaml", "--name", "fourth", "--json")
    finally:
        installed(place / "site", "1.2")
    (reason,) = json.loads(done.stdout)["reasons"]
    assert message in reason.splitlines()[0]


SWING = "    joints = inputs.signals.joint_position.shape[1]\n"
"""First line of the term."""


def run_with(place: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Run the policy on a robot whose copy of the package, of the same version, has more lines in its term."""
    installed(place / "site", "1.2")
    parts = place / "site" / "acme_parts.py"
    assert SWING in parts.read_text()
    try:
        parts.write_text(parts.read_text().replace(SWING, SWING + body))
        return sim2real(place, place / "site", *RUN, "--log", "broken.mcap", "--json")
    finally:
        installed(place / "site", "1.2")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    return\n", "wrote 0 of its 2 values"),
        ("    out = out[:, :joints].copy()\n    joints = 1\n", "wrote 0 of its 2 values"),
        ("    raise RuntimeError('boom')\n", "failed in its trial:\nTraceback"),
        ("    inputs.signals.joint_position[:] = 7.0\n", "failed in its trial:\nTraceback"),
        ("    inputs.last_action[:] = 7.0\n", "failed in its trial:\nTraceback"),
    ],
)
def test_a_term_that_fails_or_changes_its_inputs_or_leaves_values_out_is_refused_before_the_robot_moves(
    body: str, message: str, place: Path
) -> None:
    done = run_with(place, body)
    assert done.returncode == 1
    (reason,) = json.loads(done.stdout)["reasons"]
    assert reason.startswith(f"observation term 'swing' of acme-parts 1.2 {message}")


@pytest.mark.parametrize(
    ("width", "message"),
    [
        ("lambda of: of.joints / 1", "has the width 1.0; valid: a whole number"),
        ("lambda of: of.wheels", "failed to tell its width:\nTraceback"),
        ("lambda of: of.imus", "has no values on this robot"),
    ],
)
def test_an_invalid_width_is_refused(width: str, message: str, place: Path) -> None:
    parts = place / "site" / "acme_parts.py"
    try:
        parts.write_text(PACKAGE.replace("lambda of: 2 * of.joints", width))
        done = sim2real(place, place / "site", "train", "experiment.yaml", "--name", "third", "--json")
    finally:
        installed(place / "site", "1.2")
    (reason,) = json.loads(done.stdout)["reasons"]
    assert reason.startswith(f"observation term 'swing' of acme-parts 1.2 {message}")
    assert not (place / "runs" / "third").exists()


MID_RUN = """    global calls
    calls = globals().get("calls", 0) + 1
    if calls > 40:
        LINE
"""


def test_a_term_that_fails_in_mid_run_is_named_and_its_log_stays(place: Path) -> None:
    for line, error in (("raise RuntimeError('boom')", "RuntimeError: boom"), ("raise SystemExit(0)", "SystemExit: 0")):
        done = run_with(place, MID_RUN.replace("LINE", line))
        assert done.returncode == 1
        (reason,) = json.loads(done.stdout)["reasons"]
        assert "raised PluginError: observation term 'swing' of acme-parts 1.2 failed: " in reason
        assert reason.endswith(error)
    replayed = succeeded(sim2real(place, place / "site", "replay", "broken.mcap", "--json"))
    assert replayed["ticks"] > 20


def test_a_term_cannot_change_in_mid_run_what_safety_and_the_log_see(place: Path) -> None:
    for line in ("inputs.signals.joint_position[:] = 7.0", "inputs.signals.joint_target[:] = 7.0"):
        done = run_with(place, MID_RUN.replace("LINE", line))
        (reason,) = json.loads(done.stdout)["reasons"]
        assert reason.endswith("ValueError: assignment destination is read-only")


def test_one_robot_and_thousands_observe_the_same_bits_through_a_term_from_outside(place: Path) -> None:
    script = """
from pathlib import Path
import numpy as np
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.policy import OnnxPolicy
contract = OnnxPolicy(Path("runs/first/policy.onnx")).contract
random, n = np.random.default_rng(0), 4096
many, one = ObservationPipeline(contract, n), ObservationPipeline(contract, 1)
action = np.zeros((n, 1), np.float32)
for _ in range(3):
    signals = Signals.zeros(n, 1, 0, 1)
    signals.joint_position[:], signals.joint_velocity[:] = random.normal(size=(2, n, 1))
    row = Signals.zeros(1, 1, 0, 1)
    row.joint_position[:], row.joint_velocity[:] = signals.joint_position[4094], signals.joint_velocity[4094]
    assert many.observe(signals, action)[4094].tobytes() == one.observe(row, action[:1])[0].tobytes()
"""
    env = os.environ | {"PYTHONPATH": str(place / "site")}
    done = subprocess.run([sys.executable, "-c", script], cwd=place, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
