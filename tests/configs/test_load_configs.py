"""Laws of loading: references, overrides, checks across keys, and one-line errors with their location."""

from pathlib import Path
from typing import Annotated

import pytest
import yaml
from pydantic import ValidationError

from sim2real.configs.errors import ConfigError
from sim2real.configs.library import KINDS, ROOT, find, is_path, shipped
from sim2real.configs.load import (
    SCHEMAS,
    as_experiment,
    as_faults,
    as_randomization,
    as_robot,
    dump,
    load,
    load_experiment,
    load_faults,
    load_motor,
    load_randomization,
    load_robot,
    load_scenario,
    load_target,
    load_task,
)
from sim2real.configs.schema.base import Config, Reference
from sim2real.configs.splice import read_spliced
from sim2real.hardware.dynamixel.schema import registers_of

SHIPPED = [(kind, name) for kind in KINDS for name in shipped(kind)]

# Copies of shipped files: the edits below depend on their values, while shipped ones are tuned.
DATA = Path(__file__).parent / "data"
TASK_TEXT, ROBOT_TEXT, MOTOR_TEXT = ((DATA / f"{name}.yaml").read_text() for name in ("task", "robot", "motor"))


def written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def refused(kind: str, reference: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(kind, SCHEMAS[kind], reference, overrides)
    message = str(caught.value)
    assert message.isprintable()
    return message


# Shipped files


def test_every_kind_has_a_schema_and_something_shipped() -> None:
    assert tuple(SCHEMAS) == KINDS
    assert all(shipped(kind) for kind in KINDS)


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_a_shipped_file_has_its_own_name_and_a_description(kind: str, name: str) -> None:
    config = load(kind, SCHEMAS[kind], name)
    assert config.model_dump()["name"] == name
    assert config.model_dump()["description"]


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_a_dump_loads_to_an_equal_configuration(kind: str, name: str, tmp_path: Path) -> None:
    config = load(kind, SCHEMAS[kind], name)
    assert load(kind, SCHEMAS[kind], written(tmp_path / "dump.yaml", dump(config))) == config


def test_the_loaders_give_what_their_names_say() -> None:
    assert registers_of(load_motor("xm430_w350")).model_number == 1020
    assert load_motor("xm430_w350").torque_constant == 4.1 / 2.3
    assert load_robot("pendulum").joint_names == ("pivot",)
    assert load_task(str(DATA / "task.yaml")).decimation == 5
    assert load_randomization("pendulum").quantize
    assert load_experiment("pendulum_ppo").algorithm.name == "ppo"
    assert load_faults("lossy_bus").seed == 1
    assert load_scenario("pendulum_unplugged").expect.torque_off
    assert load_target("pendulum").robot == load_robot("pendulum")


# References


def test_a_name_a_path_and_an_inline_mapping_are_equivalent(tmp_path: Path) -> None:
    by_name = load_robot(written(tmp_path / "by_name.yaml", ROBOT_TEXT))
    written(tmp_path / "motors" / "mine.yaml", MOTOR_TEXT)
    by_path = load_robot(
        written(tmp_path / "robot.yaml", ROBOT_TEXT.replace("motor: xm430_w350", "motor: motors/mine.yaml"))
    )
    inline = yaml.safe_dump({"motor": yaml.safe_load(MOTOR_TEXT)}, default_flow_style=True, width=10**6).strip()[1:-1]
    in_place = load_robot(written(tmp_path / "inline.yaml", ROBOT_TEXT.replace("motor: xm430_w350", inline)))
    assert by_name.joints == by_path.joints == in_place.joints


def test_a_path_starts_from_the_file_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "project" / "parts" / "robot.yaml", ROBOT_TEXT)
    written(tmp_path / "project" / "task.yaml", TASK_TEXT.replace("robot: pendulum", "robot: parts/robot.yaml"))
    monkeypatch.chdir(tmp_path)
    assert load_task("project/task.yaml").robot == load_robot("project/parts/robot.yaml")


def test_the_model_of_a_users_robot_lies_beside_the_yaml_that_names_it(tmp_path: Path) -> None:
    written(tmp_path / "parts" / "robot.yaml", ROBOT_TEXT.replace("pendulum.xml", "mine.xml"))
    by_path = written(tmp_path / "task.yaml", TASK_TEXT.replace("robot: pendulum", "robot: parts/robot.yaml"))
    assert load_task(by_path).robot.model == str(tmp_path / "parts" / "mine.xml")
    # Once the model path of an inline robot was not resolved.
    robot = "\n".join(f"  {line}" for line in ROBOT_TEXT.replace("pendulum.xml", "mine.xml").splitlines())
    in_place = written(tmp_path / "inline.yaml", TASK_TEXT.replace("robot: pendulum", f"robot:\n{robot}"))
    assert load_task(in_place).robot.model == str(tmp_path / "mine.xml")


def test_any_text_is_a_model_path_or_refused_in_one_line(tmp_path: Path) -> None:
    long = "a" * 5000
    path = written(tmp_path / "robot.yaml", ROBOT_TEXT.replace("pendulum.xml", long))
    assert load_robot(path).model == str(tmp_path / long)
    path = written(tmp_path / "robot.yaml", ROBOT_TEXT.replace("pendulum.xml", '"\\0"'))
    assert refused("robots", path).startswith(f"{path}:3: model: '\\x00' is not a path")


def test_a_model_beside_the_yaml_takes_precedence_over_a_shipped_one(tmp_path: Path) -> None:
    copy = written(tmp_path / "robot.yaml", ROBOT_TEXT)
    assert load_robot(copy).model == "pendulum.xml"
    own = written(tmp_path / "pendulum.xml", "<mujoco/>")
    assert load_robot(copy).model == own


def test_the_model_of_a_shipped_robot_stays_relative_whatever_is_overridden() -> None:
    for overrides in ((), ("robot.supply_voltage=11 V",), ("robot=pendulum",)):
        assert load_task("pendulum_swingup", overrides).robot.model == "pendulum.xml"


def test_an_overridden_model_starts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    task = load_task("pendulum_swingup", ("robot.model=mine.xml",))
    assert task.robot.model == str(tmp_path / "mine.xml")


class Link(Config):
    """A kind that refers to its own kind; shipped kinds do not, so they cannot form a cycle."""

    below: Annotated["Link", Reference("links")] | None = None


def test_files_that_refer_to_each_other_form_a_cycle(tmp_path: Path) -> None:
    written(tmp_path / "a.yaml", "below: b.yaml\n")
    written(tmp_path / "b.yaml", "below: a.yaml\n")
    with pytest.raises(ConfigError, match=r"yaml:1: references form a cycle"):
        read_spliced(Link, tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("pendulun", "no robots entry named 'pendulun' (did you mean 'pendulum'?); shipped: "),
        ("", "no robots entry named ''"),
        ("./gone.yaml", "no such file: "),
        ("/", "no such file: /"),
        ("~nobody_of_that_name/robot.yaml", "is not a path"),
        ('"/a\\0b.yaml"', "is not a path"),
        ("/" + "a" * 5000 + ".yaml", "File name too long"),
    ],
)
def test_a_missing_reference_is_reported_at_its_line(reference: str, message: str, tmp_path: Path) -> None:
    reference = reference or '""'
    path = written(tmp_path / "task.yaml", TASK_TEXT.replace("robot: pendulum", f"robot: {reference}"))
    found = refused("tasks", path)
    assert found.startswith(f"{path}:3: robot: ")
    assert message in found


def test_names_and_paths_are_distinguished() -> None:
    assert not is_path("pendulum")
    assert all(map(is_path, ("./pendulum", "pendulum.yaml", "a/b.yml", "/x")))
    assert find("robots", "pendulum", relative_to=Path("/")) == ROOT / "robots" / "pendulum.yaml"


def test_an_error_in_a_referenced_file_is_reported_in_that_file(tmp_path: Path) -> None:
    robot = written(tmp_path / "robot.yaml", ROBOT_TEXT.replace("effort_limit: 0.5 N*m", "effort_limit: 0.5 A"))
    task = written(tmp_path / "task.yaml", TASK_TEXT.replace("robot: pendulum", "robot: robot.yaml"))
    assert refused("tasks", task) == (
        f"{robot}:{line_of(robot, 'effort_limit')}: robot.joints.pivot.effort_limit: '0.5 A' has the wrong unit 'A'; "
        "valid: N*m, mN*m, kg*cm"
    )


def line_of(path: str, key: str) -> int:
    lines = Path(path).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if f"{key}:" in line)


# One line, at the key to fix


@pytest.mark.parametrize(
    ("kind", "old", "new", "key", "message"),
    [
        (
            "tasks",
            "control_rate:",
            "control_rte:",
            "control_rte",
            "unknown key (did you mean 'control_rate'?); valid: ",
        ),
        (
            "tasks",
            "  timestep:",
            "  timestp:",
            "timestp",
            "unknown key (did you mean 'timestep'?); valid: timestep, int",
        ),
        ("tasks", "control_rate: 100 Hz\n", "", "name", "control_rate: this key is required and missing"),
        ("tasks", "target: effort", "target: efort", "target", "'efort' is not a choice (did you mean 'effort'?); val"),
        ("tasks", "  target: effort\n", "", "action", "target: this key is required and missing; valid: effort, posit"),
        (
            "tasks",
            "fraction: 1.0",
            "fracton: 1.0",
            "fracton",
            "unknown key (did you mean 'fraction'?); valid: target, ",
        ),
        ("tasks", "fraction: 1.0", "fraction: 1.5", "fraction", "must be less than or equal to 1, not 1.5"),
        ("tasks", "fraction: 1.0", "fraction: true", "fraction", "must be a valid number, not true"),
        ("tasks", "fraction: 1.0", 'fraction: "1.0"', "fraction", "must be a valid number, not '1.0'"),
        ("tasks", "wrap: true", "wrap: yes", "wrap", "must be a valid boolean, not 'yes'"),
        (
            "tasks",
            "timestep: 2 ms",
            "timestep: 2",
            "timestep",
            "2 has no unit; write a number with a unit; valid: s, m",
        ),
        ("tasks", "timestep: 2 ms", "timestep: 3 ms", "control_rate", "a whole number of physics timesteps, not 3.333"),
        ("tasks", "joint: pivot", "joint: elbow", "joint", "no joint 'elbow'; valid: pivot"),
        (
            "tasks",
            "target: effort\n  fraction: 1.0",
            "target: position\n  scale: 1 rad",
            "target",
            "mode position or impedance",
        ),
        (
            "tasks",
            "[{term: position_limits}]",
            "[{term: 2nd}]",
            "terminations",
            "'2nd' is not a name; valid: letters, digits and underscores",
        ),
        ("robots", "bus: main", "bus: mian", "bus", "no bus 'mian'; valid: main"),
        ("robots", "effort_limit: 0.5", "effort_limit: 5", "effort_limit", "stall torque; valid: up to 4.1 N*m"),
        (
            "robots",
            "default_position: 0",
            "default_position: 1e3",
            "default_position",
            "outside position_limits; valid",
        ),
        ("robots", "[-540 deg, 540 deg]", "[540 deg, -540 deg]", "position_limits", "must be ordered, low before high"),
        ("robots", "[10 V, 14.8 V]", "[14.8 V, 10 V]", "voltage_range", "must be ordered, low before high"),
        ("robots", "[10 V, 14.8 V]", "[10 V]", "voltage_range", "1: this key is required and missing"),
        ("robots", "reading_age_max: 50", "reading_age_max: 500", "reading_age_max", "valid: up to 0.2 s"),
        (
            "robots",
            "watchdog: 100 ms",
            "watchdog: 5 s",
            "watchdog",
            "less than or equal to 2.54 in SI units, not '5 s'",
        ),
        ("robots", "direction: 1", "direction: true", "direction", "a boolean is not a choice; valid: 1, -1"),
        ("robots", "direction: 1", "direction: 2", "direction", "2 is not a choice; valid: 1, -1"),
        ("robots", "  pivot:", "  1pivot:", "1pivot", "'1pivot' is not a name; valid: letters, digits and underscores"),
        ("robots", "id: 1", "id: 253", "id", "must be 0 to 252 for the family dynamixel, not 253"),
        ("robots", "name: pendulum", "name: 2026-11-20", "name", "'2026-11-20' is not a name"),
        ("robots", "name: pendulum", "name: 3", "name", "must be a valid string, not 3"),
        ("robots", "name: pendulum", "name:", "name", "must be a valid string, not null"),
        ("motors", "source:", "soruce:", "soruce", "unknown key (did you mean 'source'?); valid: name, "),
    ],
)
def test_an_error_is_reported_at_the_line_of_its_key(
    kind: str, old: str, new: str, key: str, message: str, tmp_path: Path
) -> None:
    text = {"tasks": TASK_TEXT, "robots": ROBOT_TEXT, "motors": MOTOR_TEXT}[kind]
    assert old in text
    path = written(tmp_path / "edited.yaml", text.replace(old, new, 1))
    found = refused(kind, path)
    assert found.startswith(f"{path}:{line_of(path, key)}: ")
    assert message in found


def test_a_duplicate_id_is_reported_at_the_second_joint(tmp_path: Path) -> None:
    joint = ROBOT_TEXT[ROBOT_TEXT.index("  pivot:") : ROBOT_TEXT.index("safety:")]
    path = written(tmp_path / "twin.yaml", ROBOT_TEXT.replace(joint, joint + joint.replace("pivot", "elbow")))
    assert "joints.elbow.id: joint 'pivot' has the same id 1 on bus 'main'" in refused("robots", path)


def test_a_duplicate_observation_term_is_reported_at_the_second(tmp_path: Path) -> None:
    twice = TASK_TEXT.replace("joint_position_sin", "joint_position\n    scale: 0.1")
    path = written(tmp_path / "task.yaml", twice)
    assert "observation.1.term: 'joint_position' is given twice at the same scale" in refused("tasks", path)


def test_an_observation_term_may_have_two_scales(tmp_path: Path) -> None:
    twice = TASK_TEXT.replace("joint_position_sin", "joint_position\n    scale: 5.0\n    clip: 1.0")
    task = load_task(written(tmp_path / "task.yaml", twice))
    assert [(term.scale, term.clip) for term in task.observation[:2]] == [(0.1, None), (5.0, 1.0)]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("{kind: unplug, bus: mian}", "faults.faults.0.bus: no bus 'mian'; valid: main"),
        ("{kind: silent, joint: elbow}", "faults.faults.0.joint: no joint 'elbow'; valid: pivot"),
        ("{kind: silnt, joint: pivot}", "faults.faults.0.kind: 'silnt' is not a choice (did you mean 'silent'?)"),
        ("{joint: pivot}", "faults.faults.0.kind: this key is required and missing; valid: lose_reply, corrupt_reply"),
        ("{kind: silent, joint: pivot, strt: 1 s}", "faults.faults.0.strt: unknown key (did you mean 'start'?)"),
        ("silent", "faults.faults.0: must be a mapping of keys to values, not 'silent'"),
    ],
)
def test_an_impossible_fault_is_reported_at_its_line(fault: str, message: str, tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / "pendulum_unplugged.yaml").read_text()
    path = written(tmp_path / "scenario.yaml", text.replace("{kind: unplug, bus: main, start: 2 s}", fault))
    assert refused("scenarios", path).startswith(f"{path}:8: {message}")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("commands=[{values: {forwards: 0.1}}]", "the task has no such command; valid: forward, left, turn"),
        ("commands=[{values: {forward: 0.6}}]", "0.6 is outside its range; valid: -0.5 to 0.5"),
        ("commands=[{at: 2 s, values: {turn: 0.1}}, {at: 1 s, values: {turn: 0.2}}]", "1 s is out of order"),
        ("commands=[{at: 61 s, values: {turn: 0.1}}]", "61 s is out of order, or past the end; valid: 0 to 60 s"),
        ("commands=[{at: 1 s, values: {}}]", "commands.0.values"),
    ],
)
def test_an_impossible_scenario_is_refused(override: str, message: str) -> None:
    assert message in refused("scenarios", "quadruped_walk", override)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("parameters.0.range=[1.1, 0.9]", "parameters.0.range"),
        ("parameters.6.range=[8 ms, 1 ms]", "parameters.6.range"),
    ],
)
def test_a_range_is_low_before_high(override: str, key: str) -> None:
    assert f"{key}: must be ordered, low before high" in refused("randomization", "pendulum", override)


def test_several_mistakes_are_counted() -> None:
    assert refused("robots", "pendulum", "joints.pivot.id=x", "joints.pivot.bus=3").endswith("(and 1 more)")


def test_a_key_that_does_not_print_is_shown_as_escapes(tmp_path: Path) -> None:
    path = written(tmp_path / "task.yaml", TASK_TEXT + '"a\\nb\\e[31m": 1\n')
    assert r"a\nb\x1b[31m: unknown key" in refused("tasks", path)


# Overrides


def test_overrides_reach_scalars_list_entries_whole_lists_and_whole_references() -> None:
    task = load_task(
        "pendulum_swingup",
        (
            "control_rate=50 Hz",
            "observation.0.scale=0.5",
            "rewards=[{term: alive, weight: 2.0}]",
            "robot=pendulum",
            "robot.joints.pivot.motor.friction.coulomb=0.2 N*m",
            "robot.joints.pivot.motor.nominal={voltage: 14 V, stall_torque: 5 N*m, stall_current: 2 A, "
            "no_load_speed: 60 rpm}",
            "description=",
            "description=a = b",
        ),
    )
    joint = task.robot.joints["pivot"]
    assert task.control_rate == 50.0
    assert task.observation[0].scale == 0.5
    assert [entry.term for entry in task.rewards] == ["alive"]
    assert joint.motor.friction.coulomb == 0.2
    assert joint.motor.nominal.voltage == 14.0
    assert task.description == "a = b"


def test_later_overrides_win() -> None:
    assert load_experiment("pendulum_ppo", ("seed=1", "seed=2")).seed == 2


def test_an_override_may_create_a_mapping_that_the_file_leaves_out() -> None:
    scenario = load_scenario(
        "pendulum_swingup", ("faults.name=mine", "faults.faults=[{kind: silent, joint: pivot}]", "expect.goal=null")
    )
    assert scenario.faults is not None
    assert scenario.faults.faults[0].kind == "silent"
    assert load_scenario("pendulum_swingup", ("faults=lossy_bus", "faults.seed=9")).faults.seed == 9  # type: ignore[union-attr]


def test_an_override_may_add_an_entry_to_a_mapping() -> None:
    robot = load_robot("pendulum", ("buses.second={protocol: dynamixel2, baudrate: 57600 baud}",))
    assert list(robot.buses) == ["main", "second"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set seed: must have the form key.path=value"),
        ("=1", "--set =1: must have the form key.path=value"),
        ("a..b=1", "--set a..b=1: must have the form key.path=value"),
        ("seed=[1:1:", "--set 'seed=[1:1:': not valid YAML: expected the node content, but found '<stream end>'"),
        ("seed=*a", "--set 'seed=*a': not valid YAML: found undefined alias 'a'"),
        ("seed=&a [*a]", "--set 'seed=&a [*a]': too large or too deeply nested"),
        ("seed=x", "--set seed=x: seed: must be a valid integer, not 'x'"),
        ("sed=1", "--set sed=1: sed: unknown key (did you mean 'seed'?); valid: name, description, algorithm, "),
        ("algorithm.name=null", "algorithm.name: must be a name, not null"),
        # The keys of the block's own kind are valid, not those of the others.
        ("task.command_source={kind: tip, zero_share: 0.1}", "zero_share: unknown key; valid: kind, hold, speed"),
        ("task.action.scale=3", "task.action.scale: unknown key; valid: target, fraction, smoothing"),
        (
            "algorithm.name=pppo",
            "--set algorithm.name=pppo: algorithm.name: no algorithm named 'pppo' (did you mean 'ppo'?)",
        ),
        ("algorithm.name=3", "--set algorithm.name=3: algorithm.name: must be a name, not 3"),
        ("task.modules=[{module: a.b, sha256: xyz}]", "modules.0.sha256: 'xyz' is no SHA-256; valid: 64 hex digits"),
        ("task.robot.joints.hinge.id=1", "no key 'task.robot.joints.hinge'; valid: pivot"),
        ("task.observation.9.scale=1", "no entry 'task.observation.9'; valid: 0 to 4"),
        ("task.observation.-1.scale=1", "no entry 'task.observation.-1'; valid: 0 to 4"),
        ("task.observation.9={}", "no entry 'task.observation.9'; valid: 0 to 4"),
        ("task.name.first=1", "'task.name.first' is inside a single value"),
        ("algorithm.hidden.0=32", "'algorithm.hidden' is not written in the file; set all of it"),
        ("task=nothing", "--set task=nothing: task: no tasks entry named 'nothing'; shipped: "),
        ("task.robot={}", "--set 'task.robot={}': task.robot.name: this key is required and missing"),
        ("task.robot.safety.watchdog=1 V", "'1 V' has the wrong unit 'V'; valid: s, ms, us, min"),
        ("seed=a\nb: c", r"--set 'seed=a\nb: c': not valid YAML"),
    ],
)
def test_an_invalid_override_is_quoted_in_the_message(override: str, message: str) -> None:
    found = refused("experiments", "pendulum_ppo", override)
    assert found.startswith("--set ")
    assert message in found


def test_a_check_across_keys_is_reported_at_the_line_of_the_key(tmp_path: Path) -> None:
    robot = written(tmp_path / "robot.yaml", ROBOT_TEXT)
    assert refused("robots", robot, "joints.pivot.motor.nominal.stall_torque=0.1 N*m") == (
        f"{robot}:{line_of(robot, 'effort_limit')}: joints.pivot.effort_limit: "
        "0.5 N*m is above the motor's stall torque; valid: up to 0.1 N*m"
    )


def test_overriding_changes_no_file_and_no_later_load() -> None:
    before = load_task("pendulum_swingup")
    load_task("pendulum_swingup", ("robot.joints.pivot.id=9", "observation.0.scale=3.0"))
    assert load_task("pendulum_swingup") == before


def test_a_configuration_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_robot("pendulum").name = "other"


def test_a_block_of_another_kind_of_part_is_refused_in_python_too() -> None:
    experiment = load_experiment("pendulum_ppo")
    data = experiment.model_dump(mode="json")
    assert type(experiment)(**data | {"algorithm": experiment.algorithm}) == experiment
    with pytest.raises(ValidationError, match="must be a mapping of keys to values"):
        type(experiment)(**data | {"algorithm": experiment.curriculum})


# A working directory that is gone


def test_shipped_names_need_no_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every command ended in a traceback where a folder was removed under the shell.
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert load_robot("pendulum", ("joints.pivot.effort_limit=0.4 N*m",)).joints["pivot"].effort_limit == 0.4
    assert "'mine.yaml' is not a path" in refused("robots", "mine.yaml")


@pytest.mark.parametrize(
    "given", [None, 3, ["pendulum"], load_task("pendulum_swingup")], ids=lambda given: type(given).__name__
)
def test_what_is_no_reference_is_a_type_error(given: object) -> None:
    # Its text was looked up as a name: "no robots entry named 'None'".
    for loaded in (as_robot, as_experiment, as_randomization, as_faults, load_robot):
        with pytest.raises(TypeError, match=r"^expected str, bytes or os.PathLike object, not "):
            loaded(given)
