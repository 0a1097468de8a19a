"""The profile generator of an X-series motor: from a goal to a trajectory of limited velocity and acceleration."""

from math import copysign, sqrt


class Profile:
    """One trajectory in counts. Step, rectangle or trapezoid, as Profile Velocity (112) and Acceleration (108) say."""

    def __init__(self) -> None:
        self.position = 0.0
        """counts"""
        self.velocity = 0.0
        """counts/s"""
        self.goal = 0.0
        self._velocity_max = 0.0
        self._acceleration = 0.0

    def hold(self, position: float) -> None:
        """Stand still here."""
        self.position = self.goal = position
        self.velocity = 0.0

    def aim(self, goal: float, velocity: float, acceleration: float) -> None:
        """Take a goal; counts, counts/s, counts/s². Velocity 0 is a step, acceleration 0 a rectangle (e-Manual)."""
        self.goal = goal
        self._velocity_max = velocity
        self._acceleration = acceleration

    def aim_in_time(self, goal: float, duration_s: float, ramp_s: float) -> None:
        """Take a goal to be reached in a time, with `ramp_s` for each of the two ramps (Drive Mode, bit 2)."""
        distance = abs(goal - self.position)
        ramp_s = min(ramp_s, duration_s / 2.0)
        velocity = distance / (duration_s - ramp_s) if duration_s > 0.0 else 0.0
        self.aim(goal, velocity, velocity / ramp_s if ramp_s > 0.0 else 0.0)

    @property
    def running(self) -> bool:
        """Whether the trajectory is still under way."""
        return self.position != self.goal

    def step(self, dt: float) -> None:
        """Advance by a time."""
        distance = self.goal - self.position
        if distance == 0.0 and self.velocity == 0.0:
            return
        if self._velocity_max <= 0.0:
            self.hold(self.goal)
            return
        speed = self._velocity_max
        if self._acceleration > 0.0:
            # The speed from which the ramp down still ends at the goal, of a ramp in steps of dt.
            ramp = self._acceleration * dt
            speed = min(speed, sqrt(0.25 * ramp * ramp + 2.0 * self._acceleration * abs(distance)) - 0.5 * ramp)
            wanted = copysign(speed, distance)
            self.velocity += min(max(wanted - self.velocity, -ramp), ramp)
        else:
            self.velocity = copysign(speed, distance)
        move = self.velocity * dt
        slow = self._acceleration <= 0.0 or abs(self.velocity) <= 2.0 * self._acceleration * dt
        arrives = move * distance >= 0.0 and abs(move) >= abs(distance)
        if slow and (arrives or abs(distance) < 0.5):  # a goal that jumped back is overrun, not jumped to
            self.hold(self.goal)
        else:
            self.position += move
