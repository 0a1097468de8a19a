"""See what a fault does to a run: a lossy bus, and a motor that falls silent.

Faults are a YAML file (`sim2real config schema faults` has all kinds). What they must come to can be written down
too, as a scenario: `sim2real hil pendulum_silent_motor --policy pendulum_swingup`.

Prints, for example:
    undisturbed: RUNNING, 0 replies lost, 0 interventions
    lossy bus: RUNNING, 21 replies lost, 0 interventions
    silent motor: FAULT, 13 replies lost, 12 interventions
      fault: communication loss of joint pivot: 0.2028 s, limit 0.2 s
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import sim2real

SILENT = """
name: silent
faults:
  - {kind: silent, joint: pivot, start: 2 s}
"""


def report(name: str, faults: str | Path | None) -> None:
    """Run the shipped policy under faults, in lockstep, and say how it went."""
    done = sim2real.run("pendulum_swingup", "pendulum", lockstep=True, duration=4.0, faults=faults)
    lost, interventions = done.bus.timeouts, done.interventions_total
    print(f"{name}: {done.final_state.name}, {lost} replies lost, {interventions} interventions")
    if done.final_state.name == "FAULT":
        print(f"  {done.reasons[0]}")


def main() -> None:
    """Compare three runs."""
    report("undisturbed", None)
    report("lossy bus", "lossy_bus")
    with TemporaryDirectory() as folder:
        silent = Path(folder) / "silent.yaml"
        silent.write_text(SILENT, encoding="utf-8")
        report("silent motor", silent)


if __name__ == "__main__":
    main()
