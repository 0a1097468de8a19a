"""The trajectory of an STS motor: from a goal to a position that moves with limited speed and acceleration."""

from math import copysign, sqrt


class Profile:
    """One trajectory in steps."""

    def __init__(self) -> None:
        self.position = 0.0
        self.velocity = 0.0
        """step/s"""
        self.goal = 0.0
        self.speed = 0.0
        """step/s; 0 is as fast as the motor can, a step."""
        self.acceleration = 0.0
        """step/s²; 0 is as fast as the motor can."""

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
            ramp = acceleration * dt
            # From this speed, a ramp down in steps of dt ends at the goal.
            speed = min(speed, sqrt(0.25 * ramp * ramp + 2.0 * acceleration * abs(distance)) - 0.5 * ramp)
            self.velocity += min(max(copysign(speed, distance) - self.velocity, -ramp), ramp)
        else:
            self.velocity = copysign(speed, distance)
        move = self.velocity * dt
        slow = acceleration <= 0.0 or abs(self.velocity) <= 2.0 * acceleration * dt
        arrives = move * distance >= 0.0 and abs(move) >= abs(distance)
        if slow and (arrives or abs(distance) < 0.5):
            self.hold(self.goal)
        else:
            self.position += move
