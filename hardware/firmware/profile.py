"""The trajectory of an emulated servo: from a goal to a position that moves with limited speed and acceleration."""

from math import copysign, sqrt


class Profile:
    """One trajectory in counts: step, rectangle, trapezoid, or ramps alone.

    Attributes:
        position: counts
        velocity: counts/s
        goal: counts; where it goes.
        speed: counts/s it does not exceed; 0 is no limit.
        acceleration: counts/s² it does not exceed; 0 is no limit.
    """

    def __init__(self) -> None:
        self.position = 0.0
        self.velocity = 0.0
        self.goal = 0.0
        self.speed = 0.0
        self.acceleration = 0.0

    def hold(self, position: float) -> None:
        """Stand still here."""
        self.position = self.goal = position
        self.velocity = 0.0

    @property
    def running(self) -> bool:
        """Whether the trajectory is still under way."""
        return self.position != self.goal

    def step(self, dt: float) -> None:
        """Advance by a time in s."""
        distance = self.goal - self.position
        if distance == 0.0 and self.velocity == 0.0:
            return
        speed, acceleration = self.speed, self.acceleration
        if speed <= 0.0:
            if acceleration <= 0.0:
                self.hold(self.goal)
                return
            speed = float("inf")
        if acceleration > 0.0:
            # The speed from which the ramp down still ends at the goal, of a ramp in steps of dt.
            ramp = acceleration * dt
            speed = min(speed, sqrt(0.25 * ramp * ramp + 2.0 * acceleration * abs(distance)) - 0.5 * ramp)
            self.velocity += min(max(copysign(speed, distance) - self.velocity, -ramp), ramp)
        else:
            self.velocity = copysign(speed, distance)
        move = self.velocity * dt
        slow = acceleration <= 0.0 or abs(self.velocity) <= 2.0 * acceleration * dt
        arrives = move * distance >= 0.0 and abs(move) >= abs(distance)
        if slow and (arrives or abs(distance) < 0.5):  # a goal that jumped back is overrun, not jumped to
            self.hold(self.goal)
        else:
            self.position += move
