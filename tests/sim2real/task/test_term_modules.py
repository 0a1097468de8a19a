"""Laws of terms from outside: a task names a module, and what it declares is as good as what is shipped."""

import sys
from pathlib import Path

import numpy as np
import pytest
from worlds import randomized

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import dump, load, load_experiment, load_task
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.module import ModuleConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.simulation.simulation import Simulation
from sim2real.task.check import check_terms
from sim2real.task.module import ModuleFailedError, load_module
from sim2real.task.terms import Terms

MODULE = '''
from dataclasses import dataclass

import numpy as np

from sim2real.task import CommandSetup, HeldCommands, MetricSums, command, metric, privileged, reward, termination


@dataclass
class Half:
    share: float = 0.5


@reward()
def hanging(state, constants, scale):
    """1 where the joint hangs."""
    return np.cos(state.position[:, 0] / scale)


@reward("tired", needs=("effort",))
def weariness(state, constants, scale):
    return Half().share * np.abs(state.effort[:, 0]) / scale


@termination()
def fast(state, constants, limit):
    return np.abs(state.velocity[:, 0]) > limit


@metric("speed_peak")
class SpeedPeak(MetricSums):
    names = ("speed_peak",)

    def __init__(self, n, constants):
        super().__init__(n, total=np.zeros(n))

    def add(self, state, command_changed):
        self.arrays["total"][:] = np.maximum(self.arrays["total"], np.abs(state.velocity[:, 0]))

    def finish(self, ids):
        return {"speed_peak": self.arrays["total"][ids]}


@privileged(size=lambda of: of.joints + 1)
def joints_and_push(seen):
    return [seen.state.position, seen.push[:, :1]]


@command("corners", parameters={"share": 0.5})
class Corners(HeldCommands):
    uniforms = 2

    def draw(self, uniform, ids):
        low, high = self.setup.parameters["share"] * self.low, self.setup.parameters["share"] * self.high
        return np.where(uniform < 0.5, low, high)
'''

TASK_KEYS = (
    "rewards=[{term: hanging, weight: 1.0, scale: 2.0}, {term: tired, weight: -0.5}, {term: alive, weight: 1.0}]",
    "terminations=[{term: fast, limit: 1.0}]",
    "metrics=[speed_peak]",
    "privileged=[joints_and_push, disturbance]",
    "commands={a: {range: [-1, 1]}, b: {range: [-2, 2]}}",
    "command_source={kind: corners, hold: [0.1 s, 0.1 s], parameters: {share: 0.25}}",
)


def written(folder: Path, text: str = MODULE, name: str = "my_terms.py") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def task_with(path: Path, *overrides: str) -> TaskConfig:
    return load_task("pendulum_swingup", (f"modules=[{path}]", *overrides))


def run(task: TaskConfig, n: int = 3, steps: int = 20) -> Simulation:
    simulation = Simulation(task, randomized(), n, seed=1)
    simulation.begin(np.arange(n))
    for _ in range(steps):
        ended = simulation.step(np.ones((n, 1), np.float32))
        if len(ended):
            simulation.finish(ended)
            simulation.begin(ended)
    return simulation


def test_every_kind_of_term_comes_from_a_module(tmp_path: Path) -> None:
    simulation = run(task_with(written(tmp_path), *TASK_KEYS))
    state, command = simulation.state, simulation.signals.command
    np.testing.assert_allclose(simulation.transition.privileged[:, 0], state.position[:, 0], atol=1e-6)
    assert set(np.unique(np.abs(command[:, 0]))) == {0.25}
    assert set(np.unique(np.abs(command[:, 1]))) == {0.5}
    ended = simulation.episodes.drain()
    assert ended["terminated"].all()
    assert (ended["metric/speed_peak"] > 1.0).all()
    assert (ended["reward/hanging"] > 0.0).any()
    assert (ended["reward/tired"] < 0.0).all()


def test_a_reward_from_a_module_is_paid_by_its_weight_per_second(tmp_path: Path) -> None:
    simulation = Simulation(task_with(written(tmp_path), *TASK_KEYS[:1], "terminations=[]"), randomized(), 4, seed=2)
    simulation.begin(np.arange(4))
    simulation.step(np.full((4, 1), 0.3, np.float32))
    state, rate = simulation.state, simulation.task.control_rate
    expected = (np.cos(state.position[:, 0] / 2.0) - 0.25 * np.abs(state.effort[:, 0]) + 1.0) / rate
    np.testing.assert_allclose(simulation.transition.reward, expected, rtol=1e-6)


def test_an_installed_module_is_named_by_its_dotted_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "acme_terms", "", "__init__.py")
    written(tmp_path / "acme_terms", MODULE, "walking.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    run(task_with(Path("acme_terms.walking"), *TASK_KEYS))
    for name in ("acme_terms", "acme_terms.walking"):
        monkeypatch.delitem(sys.modules, name)


# What loading a module does not do


def test_loading_a_configuration_runs_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, "raise RuntimeError('this ran')\n")
    task = task_with(path, *TASK_KEYS)
    assert load_task(str(written(tmp_path, dump(task), "task.yaml"))) == task
    missing = task_with(tmp_path / "not_there.py")
    assert missing.modules[0].module == str(tmp_path / "not_there.py")


def test_a_module_adds_nothing_to_the_import_path_and_files_of_one_name_do_not_collide(tmp_path: Path) -> None:
    text = "from sim2real.task import reward\n\n\n@reward()\ndef mine(state, constants, scale):\n    return {} * "
    text += "state.position[:, 0]\n"
    first, second = (written(tmp_path / name, text.format(name)) for name in "12")
    path = list(sys.path)
    loaded = [load_module(ModuleConfig(module=str(path))) for path in (first, second)]
    assert sys.path == path
    assert "my_terms" not in sys.modules
    assert [module.terms[0].place for module in loaded] == [f"{first}:4", f"{second}:4"]
    assert loaded[0].terms[0].function is not loaded[1].terms[0].function
    assert loaded[0] is load_module(ModuleConfig(module=str(first)))


def test_a_module_whose_text_changed_runs_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = load_module(ModuleConfig(module=str(path)))
    written(tmp_path, MODULE.replace('"tired"', '"weary"'))
    after = load_module(ModuleConfig(module=str(path)))
    assert "weary" in {term.name for term in after.terms}
    assert before.sha256 != after.sha256
    # What is recorded runs as it was recorded.
    assert load_module(ModuleConfig(module=str(path), sha256=before.sha256)) is before


def test_a_module_that_is_reloaded_declares_what_its_text_says_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    from sim2real.task.declaration import declared_in

    path = written(tmp_path, MODULE, "acme_reloaded.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("acme_reloaded")
    monkeypatch.delitem(sys.modules, "acme_reloaded")
    sys.modules["acme_reloaded"] = module
    before = [term.name for term in declared_in(module)]
    path.write_text("\n\n" + MODULE)
    importlib.invalidate_caches()
    assert [term.name for term in declared_in(importlib.reload(module))] == before
    del sys.modules["acme_reloaded"]


def test_a_declaration_belongs_to_the_module_that_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(
        tmp_path, "def level(state, constants, scale, gain=1.0):\n    return gain * state.goal_error\n", "acme_level.py"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    text = """
from functools import partial

from acme_level import level

from sim2real.task import reward

reward()(level)
reward("tilted_by")(partial(level, gain=2.0))
"""
    terms = Terms.of(task_with(written(tmp_path, text))).rewards
    assert {"level", "tilted_by"} <= set(terms)
    assert terms["level"].place == f"{tmp_path / 'my_terms.py'}:8"
    monkeypatch.delitem(sys.modules, "acme_level")


def test_what_a_module_prints_is_not_in_a_command_s_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Terms.of(task_with(written(tmp_path, "print('loaded')\n" + MODULE)))
    assert capsys.readouterr() == ("", "loaded\n")


@pytest.mark.parametrize("line", ["import neighbour", "from neighbour import level", "from .neighbour import level"])
def test_a_module_that_imports_a_file_beside_it_is_told_the_cure(line: str, tmp_path: Path) -> None:
    written(tmp_path, "level = 1\n", "neighbour.py")
    with pytest.raises(ModuleFailedError, match=r"install them as a package, and name the module by its dotted name$"):
        Terms.of(task_with(written(tmp_path, line + "\n")))


# Where a path starts from


def test_a_path_starts_from_the_file_that_names_it_and_an_override_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = written(tmp_path / "project" / "terms")
    task = dump(load_task("pendulum_swingup")).replace("modules: []", "modules: [terms/my_terms.py, acme.terms]")
    by_file = load_task(str(written(tmp_path / "project", task, "task.yaml")))
    assert [entry.module for entry in by_file.modules] == [str(module), "acme.terms"]
    experiment = written(tmp_path, "task: project/task.yaml\n" + EXPERIMENT, "experiment.yaml")
    assert load_experiment(str(experiment)).task.modules == by_file.modules
    monkeypatch.chdir(tmp_path / "project" / "terms")
    overridden = load_experiment(str(experiment), ("task.modules=[./my_terms.py]", "task.modules.0=my_terms.py"))
    assert [entry.module for entry in overridden.task.modules] == [str(module)]


EXPERIMENT = """
name: mine
randomization: none
algorithm: {name: ppo, rollout_steps: 8, minibatches: 2, epochs: 1}
environments: 4
steps: 64
evaluation_episodes: 2
"""


# Refusals


def refused(task: str, folder: Path, *overrides: str) -> str:
    """Return the message with which a task file is refused where its terms are checked."""
    path = written(folder, task, "task.yaml")
    with pytest.raises(ConfigError) as caught:
        load("tasks", TaskConfig, str(path), overrides, check_terms)
    assert str(caught.value).isprintable()
    return str(caught.value)


PENDULUM = dump(load_task("pendulum_swingup")).replace("modules: []", "modules: [my_terms.py]")


def line_of(text: str, what: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if what in line)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("term: alive", "term: hangin", "no reward named 'hangin' (did you mean 'hanging'?); valid: action_rate, "),
        ("term: position_limits", "term: fats", "no termination named 'fats' (did you mean 'fast'?); valid: fast, low"),
        ("metrics: []", "metrics: [speed]", "metrics.0: no metric named 'speed'"),
        ("privileged: []", "privileged: [pus]", "privileged.0: no privileged term named 'pus'; valid: base_height, "),
        ("kind: uniform", "kind: corner", "no command source named 'corner' (did you mean 'corners'?)"),
    ],
)
def test_an_unknown_name_is_told_at_its_line_with_the_closest(old: str, new: str, message: str, tmp_path: Path) -> None:
    written(tmp_path)
    task = PENDULUM.replace("  zero_share: 0.0\n", "") if "kind" in old else PENDULUM
    task = task.replace("term: goal_cosine", "term: alive")
    assert old in task
    text = task.replace(old, new, 1)
    found = refused(text, tmp_path)
    assert found.startswith(f"{tmp_path / 'task.yaml'}:{line_of(text, new)}: ")
    assert message in found


def test_an_unknown_name_in_an_override_is_told_as_it_was_given(tmp_path: Path) -> None:
    written(tmp_path)
    override = "rewards.0.term=hangin"
    assert refused(PENDULUM, tmp_path, override).startswith(f"--set {override}: rewards.0.term: no reward named")


def test_an_experiment_is_checked_as_a_task_is(tmp_path: Path) -> None:
    path = written(tmp_path, "task: pendulum_swingup\n" + EXPERIMENT, "experiment.yaml")
    override = "task.rewards.0.term=alvie"
    with pytest.raises(
        ConfigError, match=r"task\.rewards\.0\.term: no reward named 'alvie' \(did you mean 'alive'\?\)"
    ):
        load("experiments", ExperimentConfig, str(path), (override,), check_terms)


def test_a_simulation_refuses_an_unknown_name_by_itself(tmp_path: Path) -> None:
    task = task_with(written(tmp_path), "terminations=[{term: fats}]")
    with pytest.raises(
        ConfigError, match=r"task 'pendulum_swingup': terminations\.0\.term: no termination named 'fats'"
    ):
        Simulation(task, randomized(), 1)


def test_a_name_that_is_declared_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    twice = MODULE + "\n\n@reward('upright')\ndef other(state, constants, scale):\n    return state.goal_error\n"
    path = written(tmp_path, twice)
    place = f"{path}:{line_of(twice, 'upright')}"
    found = refused(PENDULUM, tmp_path)
    assert f"task.yaml:{line_of(PENDULUM, 'my_terms.py')}: modules.0: two rewards are named 'upright': " in found
    assert "sim2real/task/rewards.py:" in found
    assert f"and {place}; rename one" in found
    twice = MODULE + "\n\n@reward()\ndef hanging(state, constants, scale):\n    return state.goal_error\n"
    path = written(tmp_path, twice)
    first, second = (number for number, line in enumerate(twice.splitlines()) if "def hanging" in line)
    assert f"named 'hanging': {path}:{first} and {path}:{second}; rename one" in refused(PENDULUM, tmp_path)


def test_a_module_that_is_named_twice_is_told_at_the_second(tmp_path: Path) -> None:
    written(tmp_path)
    found = refused(PENDULUM.replace("[my_terms.py]", "[my_terms.py, ./my_terms.py]"), tmp_path)
    assert found.endswith("modules.1: this module is named already")


def test_one_name_may_be_a_reward_and_a_metric(tmp_path: Path) -> None:
    text = MODULE + "\n\n@reward()\ndef speed_peak(state, constants, scale):\n    return state.goal_error\n"
    terms = Terms.of(task_with(written(tmp_path, text)))
    assert {"speed_peak"} <= set(terms.rewards) & set(terms.metrics)


@pytest.mark.parametrize("place", ["quits.py", "quits/__init__.py"])
def test_an_installed_module_cannot_end_the_program(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `sim2real train` ended with success where a module named by its dotted name called sys.exit(0); a file could not.
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("import sys\nsys.exit(0)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    name = "quits" if place == "quits.py" else "quits.terms"
    with pytest.raises(ModuleFailedError, match=f"module {name} failed to load:(.|\n)*SystemExit: 0"):
        load_module(ModuleConfig(module=name))


def test_a_module_that_fails_is_named_with_its_whole_traceback(tmp_path: Path) -> None:
    path = written(tmp_path, "def inner():\n    return 1 / 0\n\n\ninner()\n")
    with pytest.raises(ModuleFailedError) as caught:
        Terms.of(task_with(path))
    message = str(caught.value)
    assert message.startswith(f"module {path} failed to load:\nTraceback")
    assert f'{path}", line 2, in inner\n    return 1 / 0' in message
    assert message.endswith("ZeroDivisionError: division by zero")
    assert not [name for name in sys.modules if name.endswith("_my_terms") and sys.modules[name].__file__ == str(path)]


def test_a_module_that_exits_does_not_end_the_command(tmp_path: Path) -> None:
    with pytest.raises(ModuleFailedError, match="SystemExit: 3"):
        Terms.of(task_with(written(tmp_path, "import sys\nsys.exit(3)\n")))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("gone.py", "gone.py: cannot be read: No such file or directory"),
        ("no_such_package.terms", "no module named 'no_such_package.terms' is installed; valid: a dotted name, or a"),
        ("json.decoder", "json.decoder declares no terms; see sim2real.task: reward, termination, metric"),
        ("my-terms", "'my-terms' is no module; valid: a path that ends in .py, or a dotted name"),
        ("terms.yaml.", "'terms.yaml.' is no module"),
    ],
)
def test_a_module_without_terms_or_no_module_at_all_is_reported_at_its_line(
    module: str, message: str, tmp_path: Path
) -> None:
    text = PENDULUM.replace("[my_terms.py]", f"[{module}]")
    found = refused(text, tmp_path)
    assert found.startswith(f"{tmp_path / 'task.yaml'}:{line_of(text, module)}: modules.0")
    assert message in found


def test_an_installed_module_whose_own_import_fails_is_named_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "import no_such_library\n", "acme_broken.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleFailedError, match=r"(?s)module acme_broken failed .*acme_broken\.py.*no_such_library"):
        Terms.of(task_with(Path("acme_broken")))


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("@reward(needs=('bas',))", "no need named 'bas' (did you mean 'base'?); valid: base, contact, effort"),
        ("@reward('2nd')", "the name must be letters, digits and underscores"),
        ("@metric()", "the metric must take (n, constants)"),
        ("@reward(needs='base')", "needs must be a tuple of names, as in needs=('name',)"),
        ("@reward(commands='height')", "commands must be a tuple of names, as in commands=('name',)"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_told_at_its_own_line(
    declaration: str, message: str, tmp_path: Path
) -> None:
    text = MODULE + f"\n\n{declaration}\ndef wrong(state, constants, scale):\n    return state.goal_error\n"
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        Terms.of(task_with(path))
    assert f"{path}:{line_of(text, declaration)}: " in str(caught.value)
    assert message in str(caught.value)


def test_a_declaration_without_parentheses_says_what_to_write(tmp_path: Path) -> None:
    text = MODULE + "\n\n@reward\ndef bare(state, constants, scale):\n    return state.goal_error\n"
    with pytest.raises(ModuleFailedError, match=r"write @reward\(\) rather than @reward"):
        Terms.of(task_with(written(tmp_path, text)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "state.position[:, 0] / scale)",
            "state.position / scale)",
            "reward 'hanging' returned (3, 1); valid: an array",
        ),
        (
            "return np.cos(state.position[:, 0] / scale)",
            "return 1.0",
            "reward 'hanging' returned float; valid: an array",
        ),
        ("state.velocity[:, 0]) > limit", "state.velocity[:, 0])", "termination 'fast' returned float64; valid: bool"),
        ("of.joints + 1", "of.joints", "privileged term 'joints_and_push' returned 2 values; its declared size is 1"),
        ("lambda of: of.joints + 1", "lambda of: of.wheels", "privileged term 'joints_and_push' failed:\nTraceback"),
        ("lambda of: of.joints + 1", "1.5", "privileged term 'joints_and_push' has the size 1.5; valid: a whole"),
        ("seen.push[:, :1]]", "seen.push[:, 0]]", "returned a block of shape (3,); valid: (3, width)"),
        ("[seen.state.position, seen.push[:, :1]]", "None", "privileged term 'joints_and_push' failed:\nTraceback"),
        (
            "return np.cos(state.position[:, 0]",
            "return 1j * np.cos(state.position[:, 0]",
            "returned complex128; valid: re",
        ),
        ("return np.cos(state.position[:, 0] / scale)", "raise KeyError(scale)", "reward 'hanging' failed:\nTraceback"),
        ("return np.cos(state.position[:, 0] / scale)", "raise SystemExit(0)", "reward 'hanging' failed:\nTraceback"),
        ("return np.cos(state", "state.position[:] = 0.0; return np.cos(state", "assignment destination is read-only"),
        ("state.velocity[:, 0]) > limit", "state.speed[:, 0]) > limit", "termination 'fast' failed:\nTraceback"),
        (
            '    names = ("speed_peak",)\n',
            "",
            "metric 'speed_peak' has no `names`, a tuple with the name of each figure",
        ),
        ('{"speed_peak": self', '{"peak": self', "metric 'speed_peak' returned the figures peak; valid: speed_peak"),
        ('["total"][ids]}', '["total"]}', "metric 'speed_peak' returned (3,); valid: an array with one value for each"),
        ("def add(self", "def ad(self", "metric 'speed_peak' has no method add; valid: all of add, begin, finish, st"),
        ("    uniforms = 2\n", "", "command source 'corners' failed:\nTraceback"),
        ("return np.where(uniform < 0.5, low, high)", "return low", "draw returned (2,); valid: (3, 2)"),
        (
            "of.joints + 1",
            "of.joints + 2",
            "privileged term 'joints_and_push' returned 2 values; its declared size is 3",
        ),
    ],
)
def test_a_term_that_fails_or_returns_something_else_is_reported_at_its_declaration(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in MODULE
    path = written(tmp_path, MODULE.replace(old, new))
    with pytest.raises(UserError) as caught:
        run(task_with(path, *TASK_KEYS))
    assert str(caught.value).startswith(f"{path}:")
    assert message in str(caught.value)


def test_the_needs_of_a_term_from_a_module_are_checked_as_those_of_shipped_ones(tmp_path: Path) -> None:
    text = MODULE.replace("@reward()", "@reward(needs=('base',), commands=('forward', 'a'))")
    with pytest.raises(ConfigError, match=r"its terms need the command forward$"):
        Simulation(task_with(written(tmp_path, text), *TASK_KEYS), randomized(), 1)
    text = MODULE.replace("@reward()", "@reward(needs=('base',))")
    with pytest.raises(ConfigError, match=r"its terms need a free base"):
        Simulation(task_with(written(tmp_path, text), *TASK_KEYS), randomized(), 1)


def test_a_parameter_that_a_command_source_does_not_declare_is_refused(tmp_path: Path) -> None:
    overrides = (*TASK_KEYS, "command_source.parameters={shar: 0.1}")
    with pytest.raises(ConfigError, match=r"no parameter of 'corners' named 'shar' \(did you mean 'share'\?\)"):
        Simulation(task_with(written(tmp_path), *overrides), randomized(), 1)


def test_two_metrics_with_one_figure_are_refused(tmp_path: Path) -> None:
    text = MODULE + "\n\n@metric('other')\nclass Other(SpeedPeak):\n    pass\n"
    with pytest.raises(ConfigError, match=r"the metrics speed_peak and other both have a figure 'speed_peak'"):
        Simulation(task_with(written(tmp_path, text), "metrics=[speed_peak, other]"), randomized(), 1)


def test_another_text_than_the_recorded_one_is_refused_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path)
    digest = load_module(ModuleConfig(module=str(path))).sha256
    other = digest[::-1]
    with pytest.raises(ConfigError) as caught:
        Terms.of(task_with(path, f"modules=[{{module: {path}, sha256: {other}}}]"))
    assert f"{path} is not the text that is recorded: its sha256 begins with {digest[:12]}, not {other[:12]}" in str(
        caught.value
    )
