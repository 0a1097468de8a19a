"""The motion profile of an X-series motor, from Profile Velocity (112) and Profile Acceleration (108)."""

from sim2real.hardware.firmware.profile import Profile


class XSeriesProfile(Profile):
    """One motion profile in counts: step, rectangle or trapezoid."""

    def aim(self, goal: float, velocity: float, acceleration: float) -> None:
        """Set a goal; counts, counts/s, counts/s². Velocity 0 is a step, acceleration 0 a rectangle (e-Manual)."""
        self.goal = goal
        self.speed = velocity
        self.acceleration = acceleration if velocity > 0.0 else 0.0

    def aim_in_time(self, goal: float, duration_s: float, ramp_s: float) -> None:
        """Set a goal to reach within `duration_s`, with `ramp_s` for each of the two ramps (Drive Mode, bit 2)."""
        distance = abs(goal - self.position)
        ramp_s = min(ramp_s, duration_s / 2.0)
        velocity = distance / (duration_s - ramp_s) if duration_s > 0.0 else 0.0
        self.aim(goal, velocity, velocity / ramp_s if ramp_s > 0.0 else 0.0)
