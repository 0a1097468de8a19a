"""The whole chain on one motor: train, export, flash, run on the emulated hardware, and look at what came of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_experiment
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.robot import RobotHardware, open_serial_ports
from sim2real.hardware.types import BoolArray
from sim2real.report.episode_video import render_positions
from sim2real.report.figures import goal_angle, goal_distance, learning_curve, tick_histogram
from sim2real.report.page import Exhibit, Row, write_page
from sim2real.runtime.contract.goal import Goal
from sim2real.runtime.contract.goal_spec import JointGoal
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.emulation import emulator_process
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.log import read_log
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.report import RunReport
from sim2real.runtime.session import RunOptions, run_session
from sim2real.runtime.states import State
from sim2real.runtime.statistics import Durations
from sim2real.task.measured_run import MeasuredRun
from sim2real.training.evaluation import Evaluation, evaluate
from sim2real.training.runner import TrainReport, train
from sim2real.training.saved_policy import load_saved_policy

EXPERIMENT = "pendulum_ppo"
_HANGING = ("task.reset.position=[-5 deg, 5 deg]", "task.reset.velocity=[0 rad/s, 0 rad/s]")
_EPISODES = 64
_SEED_OFFSET = 2_000_003  # episodes that neither training nor its own evaluation has seen


@dataclass
class Demo:
    """What the demo came to."""

    folder: Path
    training: TrainReport
    simulated: Evaluation
    """From hanging, randomised as in training."""
    run: RunReport
    wire: dict[str, float]
    """The task's return of the run on the emulated hardware, and the rows that add up to it."""
    paths: dict[str, Path] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the arm was up, within tolerance, to the end of the run."""
        return self.run.ok and self.run.goal_reached is True

    @property
    def rows(self) -> list[Row]:
        """The table: what a newcomer wants to know first."""
        run, total, lateness = self.run, self.run.statistics["total"], self.run.statistics["lateness"]
        simulated = self.simulated
        return [
            Row("training", f"{self.training.seconds:.1f} s", f"{self.training.steps:,} control steps"),
            Row(
                "return in simulation",
                f"{simulated.return_mean:.2f} ± {simulated.return_std:.2f}",
                f"{simulated.episodes} randomised episodes from hanging, {simulated.success:.0%} successful",
            ),
            Row("return over the wire", f"{self.wire['return']:.2f}", "the same reward on what the motor measured"),
            Row(
                "ONNX parity", f"{self.training.parity:.1e}", "largest difference from torch over recorded observations"
            ),
            Row("tick p50 / p99", f"{_us(total, 0.5)} / {_us(total, 0.99)}", "read, observe, infer, limit, write"),
            Row(
                "lateness p50 / p99",
                f"{_us(lateness, 0.5)} / {_us(lateness, 0.99)}",
                "start of a tick after its deadline",
            ),
            Row("missed ticks", f"{run.missed_ticks} of {run.ticks}", f"{run.held_ticks} held for a lost reply"),
            Row("safety interventions", str(run.interventions_total), _listed(run.interventions)),
            Row("bus", f"{run.bus.reads} reads", f"{run.bus.timeouts} timeouts, {run.bus.corrupt} corrupt"),
        ]

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.ok:
            return "The arm stands up on the emulated hardware, held to the end of the run."
        return "Not upright: " + "; ".join(self.run.reasons or ("the policy ran for too short a time",))

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
    """Do the whole chain in a folder.

    Args:
        folder: Gets everything; it must not exist.
        seed: Of training.
        say: Called with one line at the start of every stage.
        overrides: Texts `key.path=value` for the experiment.
        video: Whether to render one.

    Raises:
        UserError: A stage cannot be done; the message says which and why.
    """
    experiment = load_experiment(EXPERIMENT, (*overrides, f"seed={seed}"))
    task = experiment.task
    say(f"train     {experiment.name}: {experiment.environments} simulated robots, {experiment.steps:,} control steps")
    training = train(experiment, folder / "train")
    say("evaluate  in simulation, from hanging, randomised")
    hanging = load_experiment(EXPERIMENT, (*overrides, *_HANGING)).task
    act, episodes_seed = load_saved_policy(training.policy).act, seed + _SEED_OFFSET
    simulated = evaluate(act, hanging, experiment.randomization, _EPISODES, seed=episodes_seed)
    say("flash     into two slots, verified and tried")
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
    with emulator_process(task.robot) as emulator:
        hardware = RobotHardware(task.robot, open_serial_ports(task.robot, emulator.ports, clock), clock)
        # One period more than an episode: the first tick begins it, and each following one ends a step.
        duration = task.episode_duration + 1.0 / task.control_rate
        options = RunOptions(duration=duration, log=log, real_time=True)
        return run_session(policy, task.robot, hardware, clock, options)


def _evaluate_log(task: TaskConfig, log: Path) -> dict[str, float]:
    """Return the return of the run and its rows, by what the motor measured."""
    run = MeasuredRun.of_log(read_log(log).ticks, contract_of(task))
    if not len(run.action):  # the start pose was never reached
        return {"return": float("nan")}
    figures = run.evaluate(task)
    return {name: value for name, value in figures.items() if name == "return" or name.startswith("reward/")}


def _write_report(demo: Demo, task: TaskConfig, log: Path, *, video: bool) -> None:
    folder, run = demo.folder, demo.run
    figures = {name: folder / f"{name}.png" for name in ("learning", "angle", "ticks")}
    learning_curve(_metrics(demo.training.metrics), figures["learning"])
    ticks = read_log(log).ticks
    running = np.array([tick["state"] == State.RUNNING.value for tick in ticks])[: len(run.time)]
    _draw_goal(run, task, running, figures["angle"])
    histograms = {name: run.statistics[name].histogram() for name in ("total", "lateness")}
    total = run.statistics["total"]
    quantiles = {"p50": total.quantile_ns(0.5) / 1e3, "p99": total.quantile_ns(0.99) / 1e3}
    tick_histogram(histograms, quantiles, figures["ticks"])
    exhibits = [
        Exhibit("On the emulated hardware", figures["angle"], "Read by the runtime over the serial protocol."),
        Exhibit("Learning", figures["learning"], "Every point is the mean of the episodes that ended in an iteration."),
        Exhibit(
            "Tick times", figures["ticks"], "Work of a tick, and how late it began; the machine also runs the emulator."
        ),
    ]
    paths = {"report": folder / "report.html", "policy": demo.training.policy, "log": log} | figures
    if video:
        paths["video"] = folder / "run.mp4"
        try:
            render_positions(task, run.position, task.control_rate, paths["video"])
            exhibits.insert(0, Exhibit("Video", paths["video"], "The measured angles of the run, drawn by MuJoCo."))
        except UserError as error:  # a machine that cannot draw can still train, flash and run
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


def _draw_goal(run: RunReport, task: TaskConfig, running: BoolArray, path: Path) -> None:
    """Draw the goal joint's angle, or, where the goal is no joint's, the distance from it."""
    goal = Goal(contract_of(task), 1)
    if isinstance(goal.spec, JointGoal):
        position, spec = run.position[:, run.joints.index(goal.spec.joint)], goal.spec
        goal_angle(run.time, position, running, spec.position, spec.tolerance, spec.wrap, path)
    else:
        distance, tolerance = run.distance * goal.factor, goal.tolerance * goal.factor
        goal_distance(run.time, distance, running, tolerance, goal.unit, path)


def _metrics(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _us(durations: Durations, share: float) -> str:
    return f"{durations.quantile_ns(share) / 1e3:.0f} µs"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none was needed"
