"""Laws of the pytest plugin, in folders of other people's projects, each run as they would run it."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.slow

_STILL = """\
name: still
task: pendulum_swingup
duration: 500 ms
expect:
  checks:
    - {always: pivot.position in -1 deg .. 1 deg, why: the cable is short}
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-rs", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def written(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(dedent(text), encoding="utf-8")


def test_a_suite_that_does_not_use_it_imports_nothing_and_keeps_its_own_options_and_fixtures(tmp_path):
    written(
        tmp_path,
        "conftest.py",
        """\
        import pytest
        def pytest_addoption(parser):
            parser.addoption("--robot", action="store_true")
            parser.addoption("--port", type=int)
        @pytest.fixture
        def robot(): return 7
        """,
    )
    written(
        tmp_path,
        "test_own.py",
        """\
        import sys
        def test_own(request, robot):
            assert robot == 7
            assert request.config.getoption("--robot") is True
            assert request.config.getoption("--port") == 4
            loaded = [name for name in ("torch", "mujoco", "numpy", "pydantic", "onnxruntime") if name in sys.modules]
            assert loaded == []
        """,
    )
    for extra in ((), ("-p", "no:sim2real")):
        told = run_pytest(tmp_path, "-p", "no:hypothesispytest", "--robot", "--port", "4", "-W", "error", *extra)
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_same_tests_in_lockstep_leave_evidence_and_figures(tmp_path):
    written(tmp_path, "still.yaml", _STILL)
    written(
        tmp_path,
        "test_robot.py",
        """\
        import pytest
        def test_runs(robot, policy):
            report = robot.run(policy, duration=0.2)
            assert report.ok and robot.mode == "lockstep"
        def test_by_hand(robot):
            with robot.open() as by_hand:
                by_hand.enable()
                for _ in range(10):
                    by_hand.write()
                    robot.sleep(0.02)
                assert by_hand.read().joints.fresh.all()
        def test_scenario_fails(scenario):
            scenario("./still.yaml")
        def test_run_fails(robot, policy):
            assert robot.run(policy, duration=0.2).ticks == 0
        def test_of_another_robot(scenario):
            scenario("quadruped_walk")
        @pytest.mark.hardware
        def test_real(robot): ...
        """,
    )
    report = tmp_path / "report.xml"
    told = run_pytest(tmp_path, "--robot", "pendulum", "--strict-markers", "-W", "error", f"--junit-xml={report}")
    assert "3 failed, 2 passed, 1 skipped" in told.stdout, told.stdout + told.stderr
    assert "needs the real robot: give --port BUS=PATH" in told.stdout
    assert "(the cable is short)" in told.stdout
    assert "is of robot 'quadruped', the tests are of 'pendulum'" in told.stdout
    kept = tmp_path / "sim2real-failures"
    for test, files in (
        ("test_robot.py__test_scenario_fails", {"run.mcap", "last_seconds.txt", "reasons.txt"}),
        ("test_robot.py__test_run_fails", {"run_1.mcap", "run_1.txt"}),
    ):
        assert files <= {path.name for path in (kept / test).iterdir()}
        assert f"log, picture and last seconds are in sim2real-failures/{test}" in told.stdout
    cases = {case.get("name"): case for case in ElementTree.parse(report).iter("testcase")}  # noqa: S314 - our own file
    figures = {each.get("name"): each.get("value") for each in cases["test_runs"].iter("property")}
    assert (figures["robot"], figures["mode"], figures["ticks"]) == ("pendulum", "lockstep", "21")


def test_no_robot_and_a_robot_that_is_none_are_one_line(tmp_path):
    written(tmp_path, "test_robot.py", "def test_runs(robot): ...\n")
    assert "no robot: give --robot NAME" in run_pytest(tmp_path).stdout
    told = run_pytest(tmp_path, "--robot", "pendulumm")
    assert "no robots entry named 'pendulumm' (did you mean 'pendulum'?)" in told.stdout
    assert "Traceback" not in told.stdout
    both = run_pytest(tmp_path, "--robot", "pendulum", "--realtime", "--port", "main=/dev/null")
    assert "give one of them" in both.stdout


@pytest.mark.realtime
def test_a_bench_tags_results_holds_its_ports_and_skips_the_rest_when_it_breaks(tmp_path):
    from sim2real.hardware.emulator.process import emulate

    with emulate("pendulum", plant="inertia") as emulated:
        port = emulated.ports["main"]
        written(
            tmp_path,
            "test_bench.py",
            f"""\
            import os, signal, subprocess, sys, time
            def test_first(robot):
                assert robot.mode == "bench"
                with robot.open() as by_hand:
                    by_hand.enable()
            def test_locked(robot):
                inner = subprocess.run([sys.executable, "-m", "pytest", "-rs", "test_bench.py::test_first",
                                        "--robot", "pendulum", "--port", "main={port}"], capture_output=True, text=True)
                assert "another session of tests has it, process " + str(os.getpid()) in inner.stdout
            def test_unplugged(robot):
                os.kill({emulated.pid}, signal.SIGTERM)
                while os.path.exists("{port}"):
                    time.sleep(0.02)
            def test_after(robot): ...
            def test_after_that(scenario): ...
            """,
        )
        report = tmp_path / "report.xml"
        told = run_pytest(tmp_path, "--robot", "pendulum", "--port", f"main={port}", f"--junit-xml={report}")
    assert "3 passed, 2 skipped" in told.stdout, told.stdout + told.stderr
    assert told.stdout.count("the bench is broken: port main is gone") == 2
    values = [each.get("value") for each in ElementTree.parse(report).iter("property")]  # noqa: S314 - our own file
    assert "XM430-W350 id 1 firmware 46" in values


def test_a_fixture_that_fails_leaves_what_a_test_leaves(tmp_path):
    # Its log, picture and last seconds were thrown away, and a bench that broke in it was asked again.
    written(
        tmp_path,
        "test_robot.py",
        """\
        import pytest
        @pytest.fixture
        def standing(robot, policy):
            assert robot.run(policy, duration=0.2).goal_reached
        @pytest.fixture
        def lying_down(robot, policy):
            yield
            assert robot.run(policy, duration=0.2).goal_reached
        def test_before(standing): ...
        def test_after(lying_down): ...
        """,
    )
    told = run_pytest(tmp_path, "--robot", "pendulum")
    assert "1 passed, 2 errors" in told.stdout, told.stdout + told.stderr
    kept = sorted(path.parent.name for path in (tmp_path / "sim2real-failures").glob("*/run_1.mcap"))
    assert kept == ["test_robot.py__test_after", "test_robot.py__test_before"]
