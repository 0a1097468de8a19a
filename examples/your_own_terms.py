"""A reward, an end, an observation and a task of your own: in files of yours, without an edit of sim2real.

The files are in `your_own/`. Rewards and ends are in a module that the task names. An observation runs on the robot
too, so it comes from a package that is installed here and there; a robot without it refuses the policy.

Prints, for example:
    the policy observes joint_position_sin, joint_position_cos, joint_velocity, swing
    trained 2048 steps, return -25.30
    on the emulated motor: 101 ticks, ended in RUNNING
"""

import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import sim2real

YOURS = Path(__file__).parent / "your_own"
GROUP = "sim2real.observation_terms"


def install(package: Path, folder: Path) -> None:
    """Do what `pip install my_observation` does, without a network: note name, version and entry points."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    notes = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    notes.mkdir()
    header = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (notes / "METADATA").write_text(header, encoding="utf-8")
    lines = [f"{name} = {place}" for name, place in project["entry-points"][GROUP].items()]
    (notes / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]), encoding="utf-8")
    sys.path += [str(package), str(folder)]


def main() -> None:
    """Train on the task, and run the policy on the emulated motor."""
    with TemporaryDirectory() as folder:
        install(YOURS / "my_observation", Path(folder))
        task = f"task={YOURS / 'my_task.yaml'}"
        short = ("environments=32", "steps=2048", "evaluation_episodes=8")
        report = sim2real.train("pendulum_ppo", overrides=(task, *short), name="run", runs_dir=folder)
        terms = sim2real.load_policy(report.policy).contract.observation
        print(f"the policy observes {', '.join(term.term for term in terms)}")
        print(f"trained {report.steps} steps, return {report.evaluation.return_mean:.2f}")
        run = sim2real.run(report.policy, "pendulum", lockstep=True, duration=1.0)
        print(f"on the emulated motor: {run.ticks} ticks, ended in {run.final_state.name}")


if __name__ == "__main__":
    main()
