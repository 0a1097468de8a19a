"""Drive one motor by hand: read it, switch torque on, write targets; torque is off when the block ends.

The motor is emulated, behind a pseudo-terminal and its real protocol. For one on your desk leave `emulate` out and give
the port: `sim2real.open_robot("my_robot.yaml", ports={"main": "/dev/ttyUSB0"})`.

Prints, for example:
    hanging at 0.00 rad, 12.0 V, 25 degC
    held at 0.34 rad with 0.33 N*m
    refused: joint 'pivot': effort 5 N*m is outside its limits; valid: -0.6 to 0.6 N*m
"""

import time

import numpy as np

import sim2real

TARGET = 0.5  # rad
PERIOD = 0.01  # s


def main() -> None:
    """Hold the arm of the pendulum by a spring and a damper of our own, for two seconds."""
    # Motors stop by themselves when nothing is sent for 0.1 s; a busy machine may need longer.
    robot = sim2real.load_robot("pendulum", overrides=("safety.watchdog=1 s", "safety.communication_loss=1 s"))
    joint = robot.joints["pivot"]
    with sim2real.emulate(robot) as emulated, sim2real.open_robot(robot, ports=emulated.ports) as arm:
        start = arm.read().joint("pivot")
        print(f"hanging at {start.position:.2f} rad, {start.voltage:.1f} V, {start.temperature:.0f} degC")
        arm.enable()
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            measured = arm.read().joint("pivot")
            effort = 2.0 * joint.stiffness * (TARGET - measured.position) - joint.damping * measured.velocity
            arm.write(effort={"pivot": float(np.clip(effort, -joint.effort_limit, joint.effort_limit))})
            time.sleep(PERIOD)
        print(f"held at {measured.position:.2f} rad with {measured.effort:.2f} N*m")
        try:
            arm.write(effort={"pivot": 5.0})
        except sim2real.UserError as error:
            print(f"refused: {error}")


if __name__ == "__main__":
    main()
