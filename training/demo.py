"""Demo of the whole chain on one motor: train, export, flash, run on emulated hardware, report."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.emulator.process import emulate
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.report.episode_video import render_positions
from sim2real.report.figures import learning_curve, tick_histogram
from sim2real.report.goal_figure import draw_goal
from sim2real.report.html_page import Exhibit, Row, write_page
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.log import read_log
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.report import RunReport
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.statistics import Durations
from sim2real.task.measured_run import MeasuredRun
from sim2real.training.evaluation import Evaluation, evaluate
from sim2real.training.runner import TrainReport, train
from sim2real.training.saved_policy import load_saved_policy

EXPERIMENT = "pendulum_ppo"
_HANGING = ("task.reset.position=[-5 deg, 5 deg]", "task.reset.velocity=[0 rad/s, 0 rad/s]")
_EPISODES = 64
_SEED_OFFSET = 2_000_003  # for episodes that neither training nor its evaluation uses


@dataclass
class Demo:
    """Results of the demo."""

    folder: Path
    training: TrainReport
    simulated: Evaluation
    """Evaluation from the hanging position, randomised as in training."""
    run: RunReport
    wire: dict[str, float]
    """The task's return of the run on emulated hardware: `return`, and the rows `reward/NAME` that add up to it."""
    paths: dict[str, Path] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the arm stayed upright, within tolerance, to the end of the run."""
        return self.run.ok and self.run.goal_reached is True

    @property
    def rows(self) -> list[Row]:
        """Rows of the summary table."""
        run, total, lateness = self.run, self.run.statistics["total"], self.run.statistics["lateness"]
        simulated = self.simulated
        return [
            Row("training", f"{self.training.seconds:.1f} s", f"{self.training.steps:,} control steps"),
            Row(
                "return in simulation",
                f"{simulated.return_mean:.2f} ± {simulated.return_std:.2f}",
                f"{simulated.episodes} randomised episodes from hanging, {simulated.success:.0%} successful",
            ),
            Row("return over the wire", f"{self.wire['return']:.2f}", "the same reward, from the motor's readings"),
            Row(
                "ONNX parity", f"{self.training.parity:.1e}", "largest difference from torch over recorded observations"
            ),
            Row("tick p50 / p99", f"{_us(total, 0.5)} / {_us(total, 0.99)}", "read, observe, infer, limit, write"),
            Row(
                "lateness p50 / p99",
                f"{_us(lateness, 0.5)} / {_us(lateness, 0.99)}",
                "delay of a tick after its deadline",
            ),
            Row("missed ticks", f"{run.missed_ticks} of {run.ticks}", f"{run.held_ticks} held after a lost reply"),
            Row("safety interventions", str(run.interventions_total), _listed(run.interventions)),
            Row("bus", f"{run.bus.reads} reads", f"{run.bus.timeouts} timeouts, {run.bus.corrupt} corrupt"),
        ]

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.ok:
            return "The arm swings up on the emulated hardware and stays upright to the end of the run."
        return "Not upright: " + "; ".join(self.run.reasons or ("the policy did not run long enough",))

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "training": self.training.document(),
            "simulation": self.simulated.document(),
            "wire": self.wire,
            "run": self.run.document(),
            "warnings": [*self.run.warnings, *self.warnings],
            "paths": {name: str(path) for name, path in self.paths.items()},
        }


def run_demo(
    folder: Path, seed: int, say: Callable[[str], None], overrides: tuple[str, ...] = (), *, video: bool = True
) -> Demo:
    """Run the whole chain.

    Args:
        folder: Output folder; it must not exist.
        seed: Seed of training.
        say: Called with one line at the start of every stage.
        overrides: `key.path=value` texts for the experiment.
        video: Render a video.

    Raises:
        UserError: A stage failed; the message says which and why.
    """
    experiment = load_experiment(EXPERIMENT, (*overrides, f"seed={seed}"))
    task = experiment.task
    say(f"train     {experiment.name}: {experiment.environments} simulated robots, {experiment.steps:,} control steps")
    training = train(experiment, folder / "train")
    say("evaluate  in simulation, from hanging, randomised")
    hanging = load_experiment(EXPERIMENT, (*overrides, *_HANGING)).task
    act, episodes_seed = load_saved_policy(training.policy).act, seed + _SEED_OFFSET
    simulated = evaluate(act, hanging, experiment.randomization, _EPISODES, seed=episodes_seed)
    say("flash     into one of two slots, verified and tested")
    target = DirectoryTarget((folder / "robot").absolute())
    flash(training.policy, task.robot, target)
    say(f"run       {task.episode_duration:g} s in real time on the emulated motor, over its wire protocol")
    policy = OnnxPolicy(Path(target.policy_path))
    log = folder / "run.mcap"
    report = _run(policy, task, log)
    demo = Demo(folder, training, simulated, report, _evaluate_log(task, log))
    say("report    figures and page" + (", video" if video else ""))
    _write_report(demo, task, log, video=video)
    return demo


def _run(policy: OnnxPolicy, task: TaskConfig, log: Path) -> RunReport:
    clock = MonotonicClock()
    with emulate(task.robot) as emulator:
        hardware = RobotHardware(task.robot, open_serial_ports(task.robot, emulator.ports, clock), clock)
        # One period more than an episode: the first tick begins it, and each following one ends a step.
        duration = task.episode_duration + 1.0 / task.control_rate
        options = RunOptions(duration=duration, log=log, real_time=True)
        return run_session(policy, task.robot, hardware, clock, options)


def _evaluate_log(task: TaskConfig, log: Path) -> dict[str, float]:
    """Return the run's return and its `reward/NAME` rows, evaluated from the motor's readings."""
    run = MeasuredRun.of_log(read_log(log).ticks, contract_of(task))
    if not len(run.action):  # the robot never reached the start pose
        return {"return": float("nan")}
    figures = run.evaluate(task)
    return {name: value for name, value in figures.items() if name == "return" or name.startswith("reward/")}


def _write_report(demo: Demo, task: TaskConfig, log: Path, *, video: bool) -> None:
    folder, run = demo.folder, demo.run
    figures = {name: folder / f"{name}.svg" for name in ("learning", "angle", "ticks")}
    learning_curve(_metrics(demo.training.metrics), figures["learning"])
    running = read_log(log).running[: len(run.time)]
    position = dict(zip(run.joints, run.position.T, strict=True))
    draw_goal(Goal(contract_of(task), 1), run.time, position, run.distance, running, figures["angle"])
    histograms = {name: run.statistics[name].histogram() for name in ("total", "lateness")}
    total = run.statistics["total"]
    quantiles = {"p50": total.quantile_ns(0.5) / 1e3, "p99": total.quantile_ns(0.99) / 1e3}
    tick_histogram(histograms, quantiles, figures["ticks"])
    exhibits = [
        Exhibit("On the emulated hardware", figures["angle"], "Read by the runtime over the serial protocol."),
        Exhibit("Learning", figures["learning"], "Each point is the mean of the episodes that ended in an iteration."),
        Exhibit(
            "Tick times", figures["ticks"], "Duration and start delay of the ticks; the machine also runs the emulator."
        ),
    ]
    paths = {"report": folder / "report.html", "policy": demo.training.policy, "log": log} | figures
    if video:
        paths["video"] = folder / "run.mp4"
        try:
            render_positions(task, run.position, task.control_rate, paths["video"])
            exhibits.insert(0, Exhibit("Video", paths["video"], "The measured angles of the run, rendered by MuJoCo."))
        except UserError as error:  # a machine that cannot render can still train, flash and run
            del paths["video"]
            demo.warnings.append(f"no video: {error}")
    demo.paths.update(paths)
    write_page(
        paths["report"],
        "sim2real demo: a pendulum from simulation to the wire",
        demo.ok,
        demo.verdict,
        demo.rows,
        exhibits,
        f"Repeat: sim2real demo --seed {demo.training.seed}",
    )


def _metrics(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _us(durations: Durations, share: float) -> str:
    return f"{durations.quantile_ns(share) / 1e3:.0f} µs"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none needed"
