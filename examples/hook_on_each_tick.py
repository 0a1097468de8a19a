"""Run a policy with a hook on each tick: watch it, give it operator commands, end the run.

In lockstep, on a virtual clock: the same each time, and faster than real time. With `emulate=True` the same runs behind
serial ports in real time, with `ports={...}` on the robot.

Prints, for example:
    fastest joint 4.17 rad/s, at 2.06 s
    ended by hook after 171 ticks in RUNNING
"""

import numpy as np

import sim2real

SECONDS = 3.0


class Watch:
    """Remembers how fast the legs were, and lets the robot walk faster every second."""

    def __init__(self) -> None:
        self.start_ns = 0
        self.fastest, self.when = 0.0, 0.0

    def __call__(self, tick: sim2real.Tick) -> None:
        """Look at a tick; called between two of them, so it must be quick."""
        if not tick.ran:  # still on its way to the start pose
            self.start_ns = tick.time_ns
            return
        elapsed = (tick.time_ns - self.start_ns) * 1e-9
        speed = float(np.abs(tick.joints.velocity).max())
        if speed > self.fastest:
            self.fastest, self.when = speed, elapsed
        tick.set_command("forward", 0.1 * (1.0 + elapsed // 1.0))
        if elapsed >= SECONDS:
            tick.stop()


def main() -> None:
    """Run the shipped walking policy under the watch."""
    watch = Watch()
    report = sim2real.run("quadruped_walk", "quadruped", lockstep=True, duration=10.0, on_tick=watch)
    print(f"fastest joint {watch.fastest:.2f} rad/s, at {watch.when:.2f} s")
    print(f"ended by {report.stopped_by} after {report.ticks} ticks in {report.final_state.name}")


if __name__ == "__main__":
    main()
