"""Laws of what is looked at: every show goes on, is set and begins again; where it cannot be seen, one line."""

import socket
import time
from pathlib import Path
from threading import Event, Thread

import mujoco
import numpy as np
import pytest
from chromium import Chromium, installed
from typer.testing import CliRunner

import sim2real
from sim2real.commands.root import app
from sim2real.configs.errors import UserError
from sim2real.runtime.log import read_log
from sim2real.training.view.pace import Pace
from sim2real.training.view.page import Page
from sim2real.training.view.show import LogShow, RobotShow, Show, TaskShow
from sim2real.training.view.subject import show_of

POLICIES = ("hopper_hop", "pendulum_swingup", "quadruped_walk", "so101_reach")
ROBOTS = ("hopper_leg", "pendulum", "quadruped", "so101")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "swing.mcap"
    report = sim2real.run("pendulum_swingup", "pendulum", lockstep=True, duration=1.0, log=path)
    assert report.ok
    return path


@pytest.mark.parametrize("subject", [*POLICIES, *ROBOTS, "quadruped_rough", "log"])
def test_a_show_goes_on_is_set_and_begins_again_in_one_state(subject: str, log: Path) -> None:
    show: Show = show_of(str(log) if subject == "log" else subject)
    data, model = show.data, show.model
    first = data.qpos.copy()
    assert (len(first), show.data.qvel.shape) == (model.nq, (model.nv,))
    for control in show.controls:
        assert control.low <= control.value <= control.high
        show.put(control.name, control.high)
    for _ in range(5):
        show.step()
    assert show.data is data
    assert np.isfinite(data.qpos).all()
    assert (data.qpos != first).any()
    assert show.lines()
    assert all("\n" not in line for line in (*show.lines(), *show.drawn()))
    show.restart()
    assert np.isfinite(data.qpos).all()


def test_the_joints_of_a_robot_follow_their_sliders() -> None:
    show = show_of("so101")
    assert isinstance(show, RobotShow)
    show.put("elbow_flex, deg", 30.0)
    assert show.data.joint("elbow_flex").qpos[0] == pytest.approx(np.radians(30.0))
    show.restart()
    assert show.data.joint("elbow_flex").qpos[0] == pytest.approx(
        sim2real.load_robot("so101").joints["elbow_flex"].default_position
    )


def test_a_command_is_held_until_it_begins_again() -> None:
    show = show_of("quadruped_walk")
    assert isinstance(show, TaskShow)
    show.put("forward", 0.3)
    for _ in range(300):  # the task's own would have changed
        show.step()
        assert "forward 0.3," in show.lines()[1]
    show.restart()
    assert "forward 0.3," not in show.lines()[1]


def test_a_log_is_shown_as_it_was(log: Path) -> None:
    show = LogShow(log)
    ticks = read_log(log).ticks
    show.put("time, s", (ticks[40]["time_ns"] - ticks[0]["time_ns"]) * 1e-9)
    assert show.data.qpos[0] == ticks[40]["position"][0]
    for _ in range(10_000):
        show.step()
    assert show.data.qpos[0] == ticks[-1]["position"][0]
    with pytest.raises(UserError, match="of other joints than robot 'so101'"):
        show_of(str(log), robot="so101")


def test_steps_are_due_by_the_clock() -> None:
    now, show = 0.0, show_of("pendulum_swingup")
    steps = []
    show.step = lambda: steps.append(now)  # type: ignore[method-assign]
    pace = Pace(show, lambda: now)
    for _ in range(10):
        now += 0.0251  # two and a half periods
        pace.advance()
    assert len(steps) == 25
    pace.speed, pace.paused = 2.0, True
    now += 0.1
    assert not pace.advance()
    pace.paused = False
    now += 0.1
    assert pace.advance()
    assert len(steps) == 45
    now += 60.0  # a laptop that slept
    pace.advance()
    assert len(steps) <= 45 + 52


def test_what_cannot_be_shown_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for arguments, said in (
            (("so101",), "no display for a window; --web"),
            (("so101", "--web", "--port", str(taken.getsockname()[1])), "cannot be listened on"),
            (("quadrupedd",), "did you mean 'quadruped"),
            (("so101", "--robot", "so101"), "is no log"),
            (("gone.mcap",), "gone.mcap"),
        ):
            result = CliRunner().invoke(app, ["view", *arguments])
            assert (result.exit_code, result.stdout) == (1, "")
            assert said in result.stderr.splitlines()[-1], result.stderr


@pytest.mark.realtime
@pytest.mark.slow
@pytest.mark.skipif(installed() is None, reason="no Chromium is installed")
def test_the_page_shows_text_and_sliders_at_the_width_of_a_phone_and_asks_nobody_else() -> None:
    page, ended = Page(show_of("quadruped_walk"), "127.0.0.1", 0), Event()
    thread = Thread(target=page.run, args=(lambda: not ended.is_set(),))
    thread.start()
    browser = Chromium(390, 844)
    try:
        browser.open(page.url)
        for said in ("policy quadruped_walk", "Pause", "forward", "episode"):
            browser.wait_for(f"document.body.innerText.includes({said!r})", 60.0)
        assert browser.value("document.documentElement.scrollWidth") <= 390
        begun = browser.value("document.body.innerText")
        deadline = time.monotonic() + 30.0
        while browser.value("document.body.innerText") == begun:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        outside = [url for url in browser.requested if url.startswith("http") and not url.startswith(page.url)]
        assert outside == []
    finally:
        browser.close()
        ended.set()
        thread.join()
        page.close()


def test_contacts_are_there_to_be_drawn() -> None:
    show = show_of("quadruped_walk", idle=True)
    for _ in range(50):
        show.step()
    force = np.zeros(6)
    total = 0.0
    for contact in range(show.data.ncon):
        mujoco.mj_contactForce(show.model, show.data, contact, force)
        total += force[0]
    weight = float(show.model.body_mass.sum()) * 9.81
    assert 0.3 * weight < total < 3.0 * weight
