"""Laws of `sim2real report`: one page of a run or of a log that needs nothing beside it; what is wrong is one line."""

import base64
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.library import shipped_with_model
from sim2real.configs.load import load_task
from sim2real.report.advice import advice_on_run
from sim2real.report.plot_style import COLOURS, DIM, GRID, INK
from sim2real.runtime.limits import Intervention
from sim2real.runtime.verdict import Reason

LOGS = Path(__file__).parents[1] / "runtime" / "data"
SETTINGS = ("environments=8", "steps=256", "evaluation_episodes=4", "episode_duration=0.2 s", "threads=1")
COST = "task.costs={power: {term: mechanical_power, budget: 0.5}}"
SMALL = ("algorithm.rollout_steps=8", "algorithm.hidden=[8]")


def invoke(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    overrides = [part for setting in (*SETTINGS, *SMALL, COST) for part in ("--set", setting)]
    result = invoke("train", "pendulum_ppo", "--name", "first", "--runs-dir", folder, *overrides)
    assert result.exit_code == 0, result.output
    return folder / "first"


def titles(page: Path) -> list[str]:
    """The parts of a page, with all of its pictures inside it."""
    text = page.read_text(encoding="utf-8")
    assert not re.search(r'src="(?!data:(?:image/png|video/mp4);base64,)', text)
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)  # nothing is loaded from elsewhere
    assert "<script" not in text
    return re.findall(r"<h2>(.*?)</h2>", text)


def test_a_run_is_shown_with_its_learning_curve(run: Path) -> None:
    result = invoke("report", run, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    page = Path(document["report"])
    assert page == run / "report.html"
    assert document["kind"] == "run"
    assert (document["experiment"], document["task"], document["robot"]) == (
        "pendulum_ppo",
        "pendulum_swingup",
        "pendulum",
    )
    assert (document["steps"], document["finished"]) == (256, True)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    last = [row for row in rows if row.get("episode/return") is not None][-1]
    assert document["latest"]["return"] == last["episode/return"]
    assert document["costs"] == {"power": {"latest": last["episode/cost/power"], "budget": 0.5}}
    assert rows[-1]["cost/power/budget"] == 0.5
    # Its curriculum is fixed and the task has no metrics: there is nothing to draw of them.
    assert titles(page) == ["What to do", "Learning", "Costs", "Rewards by term", "How episodes ended", "The learner"]
    assert "train longer" in page.read_text() or "no longer rises" in page.read_text()


def test_a_curriculum_that_moved_is_drawn(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "moved"
    copy.mkdir()
    (copy / "config.yaml").write_text((run / "config.yaml").read_text())
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    names = [name for name in rows[0] if name.startswith("curriculum/") and name.endswith("/high")]
    for row in rows[1:]:
        row[names[0]] *= 1.5
    (copy / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    document = json.loads(invoke("report", copy, "--json").stdout)
    assert not document["finished"]
    assert titles(Path(document["report"]))[-1] == "Randomisation"
    assert "no policy was exported yet" in Path(document["report"]).read_text()
    assert "sim2real train --resume moved" in Path(document["report"]).read_text()


MOTORS = ["Motors: temperature", "Motors: voltage"]


@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        ("pendulum_swingup", ["What to do", "States", "Rewards", "Goal", "Joints: effort", *MOTORS]),
        ("quadruped_walk", ["What to do", "States", "Goal", "Joints: position", *MOTORS]),
    ],
)
def test_a_log_is_shown_with_its_goal_and_joints(name: str, pictures: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = invoke("report", LOGS / f"{name}.mcap", "--output", page, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["kind"], document["task"], document["final_state"]) == ("log", name, "RUNNING")
    assert document["replays_exactly"]
    assert document["held_ticks"] > 0
    assert sum(document["states"].values()) == document["ticks"]
    assert document["report"] == str(page)
    assert titles(page) == pictures


def test_the_page_of_a_log_tells_what_happened_and_when(tmp_path: Path) -> None:
    log = tmp_path / "run.mcap"
    options = ("--robot", "quadruped", "--lockstep", "--plant", "inertia", "--faults", "lossy_bus", "--duration", "1")
    invoke("run", "quadruped_walk", *options, "--log", log)
    page = Path(json.loads(invoke("report", log, "--json").stdout)["report"])
    assert titles(page)[:3] == ["What to do", "States", "Events"]
    text = page.read_text()
    assert "READY → RUNNING" in text
    assert "did not answer" in text
    assert ">no reply</text>" in text  # on the timeline
    assert re.search(r"joints \w+, [\w, ]+ did not answer", text)  # those of one tick are one event


def test_a_folder_that_a_failed_scenario_left_is_a_page_with_what_was_not_as_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = ("--set", "expect.final_state=FAULT", "--set", "duration=1 s", "--plant", "inertia", "--jobs", "1")
    invoke("hil", "pendulum_swingup", *wrong)
    document = json.loads(invoke("report", "hil-failures/pendulum_swingup", "--json").stdout)
    page = Path(document["report"])
    assert page == Path("hil-failures/pendulum_swingup/run.html")
    assert titles(page)[:2] == ["Not as expected", "The scenario"]
    assert "expected FAULT" in page.read_text()
    refused = invoke("report", "hil-failures")
    assert refused.exit_code == 1
    assert "1 scenarios that failed; give one: hil-failures/pendulum_swingup" in refused.stderr


def test_no_text_of_a_figure_is_smaller_than_12_pixels_and_the_page_gives_its_colours(run: Path) -> None:
    text = Path(json.loads(invoke("report", run, "--json").stdout)["report"]).read_text()
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert drawings
    for drawing in drawings:
        width, natural = re.search(r'viewBox="0 0 ([\d.]+) .*?min-width: (\d+)px', drawing).groups()
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", drawing)]
        assert min(sizes) * float(natural) / float(width) >= 11.99
        assert not {colour for colour in (*COLOURS, INK, DIM, GRID) if colour in drawing}
        assert "var(--ink)" in drawing


def test_an_evaluation_is_a_page_with_rewards_and_ends(run: Path, tmp_path: Path) -> None:
    page = tmp_path / "eval.html"
    result = invoke("eval", run, "--episodes", 4, "--report", page, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["report"] == str(page)
    assert document["rows"][0]["rewards"]["goal_cosine"] != 0.0
    assert titles(page) == ["What to do", "Rewards by term", "How episodes ended"]
    assert re.search(r"% of the episodes (succeeded|ended by \w+) under pendulum", page.read_text())
    refused = invoke("eval", run, "--episodes", 4, "--report", run / "policy.onnx")
    assert "valid: a name that ends in .html" in refused.stderr
    refused = invoke("eval", run, "--episodes", 4, "--report", tmp_path / "gone" / "x.html")
    assert "there is no folder" in refused.stderr


def test_there_is_advice_for_every_reason_and_every_limit() -> None:
    reasons, limits = ({each.name: 1 for each in kind} for kind in (Reason, Intervention))
    advice = advice_on_run(reasons, limits, 5, 5, 100)
    assert len(advice) == len(reasons) + len(limits) + 1
    assert all(advice.values())
    assert advice_on_run({}, {}, 0, 1, 100) == {}


def test_a_log_s_page_is_beside_it(tmp_path: Path) -> None:
    log = tmp_path / "run.mcap"
    log.write_bytes((LOGS / "pendulum_swingup.mcap").read_bytes())
    assert invoke("report", log).stdout == f"{tmp_path / 'run.html'}\n"
    assert (tmp_path / "run.html").is_file()


def test_a_log_without_a_goal_s_distance_and_one_that_was_cut_off_are_shown(tmp_path: Path) -> None:
    log, cut = tmp_path / "run.mcap", tmp_path / "cut.mcap"
    options = ("--robot", "hopper_leg", "--lockstep", "--plant", "inertia", "--duration", "0.2", "--log", log)
    invoke("run", "hopper_hop", *options)
    assert "Goal" not in titles(Path(json.loads(invoke("report", log, "--json").stdout)["report"]))
    whole = log.read_bytes()
    cut.write_bytes(whole[: whole.index(b"sim2real.run")])  # the record that closes it
    document = json.loads(invoke("report", cut, "--json").stdout)
    assert document["ok"]
    assert (document["complete"], document["final_state"]) == (False, None)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.mcap"], "no.mcap: cannot be read: No such file"),
        (["{folder}"], "not a run: it has no config.yaml"),
        (["{begun}"], "the run has no figures yet"),
        ([__file__], "not a log of `sim2real run`"),
        (["{log}", "--output", "{folder}/no/page.html"], "page.html: cannot be written: No such file"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list, message: str, as_json: bool, tmp_path: Path, run: Path) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "config.yaml").write_text((run / "config.yaml").read_text())
    places = {"folder": tmp_path, "begun": begun, "log": LOGS / "pendulum_swingup.mcap"}
    result = invoke("report", *(str(part).format(**places) for part in arguments), *(["--json"] if as_json else []))
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    if as_json:
        assert message in json.loads(result.stdout)["reasons"][0]


def test_help_has_an_example() -> None:
    assert "Example: sim2real report first" in " ".join(invoke("report", "--help").stdout.split())


def video_of(page: Path) -> bytes:
    (encoded,) = re.findall(r'<video src="data:video/mp4;base64,([^"]+)"', page.read_text(encoding="utf-8"))
    return base64.b64decode(encoded)


def test_a_run_is_shown_as_it_moves(run: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = invoke("report", run, "--video", "-o", page)
    assert result.exit_code == 0, result.output
    assert "Video" in titles(page)
    assert video_of(page)[4:8] == b"ftyp"


POLICIES = ("pendulum_swingup", "so101_reach", "quadruped_walk", "hopper_hop")


@pytest.mark.parametrize("name", POLICIES)
def test_a_log_of_every_robot_is_shown_as_it_moved(name: str, tmp_path: Path) -> None:
    robot, log, page = load_task(name).robot.name, tmp_path / "run.mcap", tmp_path / "page.html"
    invoke("run", name, "--robot", robot, "--lockstep", "--plant", "inertia", "--duration", "0.3", "--log", log)
    result = invoke("report", log, "--video", "-o", page)
    assert result.exit_code == 0, result.output
    assert titles(page)[-1] == "Video"
    assert video_of(page)[4:8] == b"ftyp"


def test_the_videos_are_of_every_shipped_robot() -> None:
    assert {load_task(name).robot.name for name in POLICIES} == set(shipped_with_model())


def test_a_video_of_another_robot_is_refused_and_no_page_written(tmp_path: Path) -> None:
    log, page = next(iter(sorted(LOGS.glob("*pendulum*.mcap")))), tmp_path / "page.html"
    for arguments, said in (
        (("--video", "--robot", "so101"), "is of other joints"),
        (("--robot", "so101"), "with --video"),
    ):
        result = invoke("report", log, "-o", page, *arguments)
        assert result.exit_code == 1
        assert said in result.stderr
        assert not page.exists()
