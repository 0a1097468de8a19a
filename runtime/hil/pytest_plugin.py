"""The pytest plugin: the same tests of a robot in lockstep, on the emulator in real time, or on the bench.

Loaded by every pytest run of an environment with sim2real in it: it imports nothing of the stack before a test asks for
one of its fixtures. `-p no:sim2real` leaves it out.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim2real.hardware.emulator.motors_only import EmulatedMotors
    from sim2real.runtime.hil.robot_under_test import RobotUnderTest
    from sim2real.runtime.hil.scenario_run import ScenarioResult

_GROUP = "sim2real: tests of a robot"
_SHORT = ("--robot", "--realtime", "--port", "--policy")
_HARDWARE = "hardware"
_BROKEN = pytest.StashKey[str]()
_SETUP = pytest.StashKey[Any]()
_ROBOT = pytest.StashKey["RobotUnderTest"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options by their long names, which no other plugin has, and the settings."""
    group = parser.getgroup("sim2real", _GROUP)
    for short in _SHORT:
        _add(group, f"--sim2real-{short.removeprefix('--')}", short)
    group.addoption(
        "--sim2real-keep",
        default="sim2real-failures",
        metavar="DIR",
        help="folder for log, picture and last seconds of tests that fail (default: sim2real-failures)",
    )
    parser.addini("sim2real_robot", "robot of the tests where --robot is not given: a shipped name, or a YAML file")
    parser.addini("sim2real_policy", "policy of the tests where --policy is not given: a shipped one, or an ONNX file")
    parser.addini("sim2real_power_cycle", "bench: command that switches the robot's supply off and on", type="args")
    parser.addini("sim2real_temperature_max", "bench: a test waits until every motor is below this, degC", default="50")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, None, None]:
    """Add the short names of the options that no conftest and no other plugin has taken."""
    yield
    group = parser.getgroup("sim2real short", f"{_GROUP}, short names")
    for short in _SHORT:
        if _is_free(parser, short):
            _add(group, short, short)


def _is_free(parser: pytest.Parser, option: str) -> bool:
    try:
        _, unknown = parser.parse_known_and_unknown_args([option])
    except (pytest.UsageError, SystemExit):  # it is known, and wants a value
        return False
    return option in unknown


def _add(group: pytest.OptionGroup, name: str, short: str) -> None:
    dest = f"sim2real_{short.removeprefix('--')}"
    if short == "--realtime":
        group.addoption(name, dest=dest, action="store_true", default=False, help="on the emulator in real time")
    elif short == "--port":
        group.addoption(
            name,
            dest=dest,
            action="append",
            default=None,
            metavar="BUS=PATH",
            help="on the bench; once for each bus and IMU",
        )
    else:
        what = "a shipped robot, or a YAML file" if short == "--robot" else "a shipped policy, or an ONNX file"
        group.addoption(name, dest=dest, default=None, metavar=short.removeprefix("--").upper(), help=what)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", f"{_HARDWARE}: needs the real robot; skipped without --port")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs the real robot where there is none."""
    if item.get_closest_marker(_HARDWARE) is not None and not item.config.option.sim2real_port:
        pytest.skip("needs the real robot: give --port BUS=PATH")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Name the folder of what a failed test leaves in its report; find out whether the bench broke in it.

    The robot may have run in a fixture of the test as well as in the test.
    """
    report = yield
    test = item.stash.get(_ROBOT, None)
    if test is None:
        return report
    if report.failed and (kept := test.keep()) is not None:
        report.sections.append(("sim2real", f"log, picture and last seconds are in {kept}"))
        report.user_properties.append(("kept", str(kept)))
    if why := test.broken():
        item.config.stash[_BROKEN] = why
    return report


def _setup(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - its class is imported when it is needed
    """Return where the tests of this session run; made once."""
    from sim2real.runtime.hil.session_setup import SessionSetup

    config = request.config
    if _SETUP not in config.stash:
        robot = config.option.sim2real_robot or config.getini("sim2real_robot")
        if not robot:
            pytest.fail("no robot: give --robot NAME, or sim2real_robot in pytest's settings", pytrace=False)
        config.stash[_SETUP] = SessionSetup.of(
            robot,
            policy=config.option.sim2real_policy or config.getini("sim2real_policy") or None,
            realtime=config.option.sim2real_realtime,
            ports=config.option.sim2real_port or (),
            power_cycle=tuple(config.getini("sim2real_power_cycle")),
            temperature_max=float(config.getini("sim2real_temperature_max")),
        )
        config.add_cleanup(config.stash[_SETUP].close)
    return config.stash[_SETUP]


def _one_line(what: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it returns
    """Return what a function returns; a UserError becomes a failure of one line."""
    from sim2real.configs.errors import UserError

    try:
        return what()
    except UserError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def robot(sim2real_robot: "RobotUnderTest") -> "RobotUnderTest":
    """The robot: `robot.run(policy)` runs a policy, `robot.open()` opens it by hand; torque is off in between."""
    return sim2real_robot


@pytest.fixture
def sim2real_robot(request: pytest.FixtureRequest, tmp_path: Path) -> "RobotUnderTest":
    """The same as `robot`, for suites with a fixture of that name of their own."""
    from sim2real.configs.errors import UserError
    from sim2real.runtime.hil.robot_under_test import RobotUnderTest

    if why := request.config.stash.get(_BROKEN, ""):
        pytest.skip(f"the bench is broken: {why}")
    setup = _one_line(lambda: _setup(request))

    def record_property(name: str, value: object) -> None:
        # Not pytest's fixture of this name, which warns of itself in the report's default format.
        request.node.user_properties.append((name, value))

    record_property("robot", setup.robot.name)
    record_property("mode", setup.mode)
    try:
        for name, value in setup.prepare().items():
            record_property(name, value)
    except (UserError, OSError) as error:
        request.config.stash[_BROKEN] = str(error)
        pytest.skip(f"the bench is broken: {error}")
    keep = Path(request.config.option.sim2real_keep) / _folder_name(request.node.nodeid)
    test = RobotUnderTest(setup, tmp_path, keep, record_property)
    request.node.stash[_ROBOT] = test
    return test


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - sim2real.runtime.policy.OnnxPolicy
    """The policy under test, loaded: --policy, or the one that is shipped for the robot."""
    return _one_line(lambda: _setup(request).policy())


@pytest.fixture
def scenario(request: pytest.FixtureRequest, sim2real_robot: "RobotUnderTest") -> "Callable[[str], ScenarioResult]":
    """Runs a scenario by shipped name, or path from the test's folder; an unmet expectation fails the test."""
    folder = request.path.parent

    def run(reference: str) -> "ScenarioResult":
        __tracebackhide__ = True
        result: ScenarioResult | str = _one_line(lambda: sim2real_robot.run_scenario(reference, folder))
        if isinstance(result, str):
            pytest.skip(result)
        if not result.ok:
            lines = "\n  ".join(result.failures)
            pytest.fail(
                f"scenario {result.name}:\n  {lines}\nlog, picture and last seconds are in {sim2real_robot.keep()}",
                pytrace=False,
            )
        return result

    return run


@pytest.fixture
def emulator() -> "Iterator[Callable[..., EmulatedMotors]]":
    """Serves motors without a robot: `emulator("sts3215_7v4", ids=range(1, 7)).port` opens as a serial port."""
    from sim2real.hardware.emulator.motors_only import emulate_motors

    with ExitStack() as stack:
        yield lambda motor, ids, **options: _one_line(
            lambda: stack.enter_context(emulate_motors(motor, ids, **options))
        )


def _folder_name(node: str) -> str:
    """Return the name of a test as that of a folder."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in node)[-150:].strip("._")
