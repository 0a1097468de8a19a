"""The motion profile of an emulated servo: moves a position to a goal with limited speed and acceleration."""

from math import copysign, sqrt


class Profile:
    """One motion profile in counts. Velocity over time is a step, rectangle, trapezoid or triangle.

    Attributes:
        position: counts
        velocity: counts/s
        goal: counts
        speed: Speed limit, counts/s; 0 is no limit.
        acceleration: Acceleration limit, counts/s²; 0 is no limit.
    """

    def __init__(self) -> None:
        self.position = 0.0
        self.velocity = 0.0
        self.goal = 0.0
        self.speed = 0.0
        self.acceleration = 0.0

    def hold(self, position: float) -> None:
        """Stop at a position, counts."""
        self.position = self.goal = position
        self.velocity = 0.0

    @property
    def running(self) -> bool:
        """Whether the goal has not been reached yet."""
        return self.position != self.goal

    def step(self, dt: float) -> None:
        """Advance by `dt`, s."""
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
            # Highest speed from which a ramp down, in steps of dt, still ends at the goal.
            ramp = acceleration * dt
            speed = min(speed, sqrt(0.25 * ramp * ramp + 2.0 * acceleration * abs(distance)) - 0.5 * ramp)
            self.velocity += min(max(copysign(speed, distance) - self.velocity, -ramp), ramp)
        else:
            self.velocity = copysign(speed, distance)
        move = self.velocity * dt
        slow = acceleration <= 0.0 or abs(self.velocity) <= 2.0 * acceleration * dt
        arrives = move * distance >= 0.0 and abs(move) >= abs(distance)
        if slow and (arrives or abs(distance) < 0.5):  # overshoot a goal that jumped back; do not jump to it
            self.hold(self.goal)
        else:
            self.position += move
