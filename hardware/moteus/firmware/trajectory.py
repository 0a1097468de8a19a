"""The trajectory of an emulated moteus: control position and velocity, the target of impedance control.

Source: moteus firmware, bldc_servo_position.h. The firmware steps it at 30 kHz; here the steps are those of the plant,
so the approach uses the velocity from which the goal can just be reached in whole steps.
"""

from math import copysign, isnan, nan, sqrt


class Trajectory:
    """Moves the control position to the goal, at once or within limits, then at the goal's velocity. In revolutions.

    Attributes:
        position: Control position; NaN while there is none.
        velocity: Control velocity.
        done: Whether the goal has been reached.
    """

    def __init__(self) -> None:
        self.position = nan
        self.velocity = 0.0
        self.done = True
        self._goal = nan
        self._goal_velocity = 0.0
        self._velocity_limit = nan
        self._acceleration_limit = nan

    def clear(self) -> None:
        """Reset everything, as a change of mode does."""
        self.position, self.velocity, self.done = nan, 0.0, True
        self._goal, self._goal_velocity = nan, 0.0

    def aim(self, goal: float, velocity: float, velocity_limit: float, acceleration_limit: float) -> None:
        """Set a new goal.

        Args:
            goal: Goal position, rev; NaN to continue from the present control position.
            velocity: Velocity of the goal, rev/s; NaN for none.
            velocity_limit: rev/s; NaN for none.
            acceleration_limit: rev/s²; NaN for none.
        """
        self._goal, self._goal_velocity = goal, 0.0 if isnan(velocity) else velocity
        self._velocity_limit, self._acceleration_limit = velocity_limit, acceleration_limit
        self.done = isnan(velocity_limit) and isnan(acceleration_limit)
        if self.done:
            self.velocity = self._goal_velocity
            if not isnan(goal):
                self.position, self._goal = goal, nan

    def start(self, position: float, velocity: float) -> None:
        """Start from the motor's position and velocity if there is no control position yet."""
        if isnan(self.position):
            self.position, self.velocity = position, velocity

    def hold(self, position: float) -> None:
        """Stop at a position: a bound or a stop position."""
        self.clear()
        self.position = position

    def step(self, dt: float) -> None:
        """Advance by `dt`, s; call `start` first."""
        before = self.velocity
        if self.done:
            self.velocity = self._goal_velocity
            self.position += self.velocity * dt
            return
        self.velocity = self._next_velocity(dt)
        self.position += 0.5 * (before + self.velocity) * dt
        if isnan(self._goal):
            self.done = self.velocity == self._goal_velocity
            return
        self._goal += self._goal_velocity * dt
        self._arrive(dt)

    def _next_velocity(self, dt: float) -> float:
        """Return the velocity after the step, within the limits."""
        limit, acceleration = self._velocity_limit, self._acceleration_limit
        wanted = self._goal_velocity
        if not isnan(self._goal):
            wanted += self._approach(self._goal - self.position, dt)
        if not isnan(limit):
            wanted = min(max(wanted, -limit), limit)
        if isnan(acceleration):
            return wanted
        return self.velocity + min(max(wanted - self.velocity, -acceleration * dt), acceleration * dt)

    def _approach(self, distance: float, dt: float) -> float:
        """Return the velocity towards the goal from which braking at the limit ends at the goal."""
        acceleration = self._acceleration_limit
        if isnan(acceleration):  # only a velocity limit
            return distance / dt
        half = 0.5 * acceleration * dt
        return copysign(sqrt(half * half + 2.0 * acceleration * abs(distance)) - half, distance)

    def _arrive(self, dt: float) -> None:
        """End the trajectory if the rest is less than one step."""
        acceleration = self._acceleration_limit
        slack = 1e-9 if isnan(acceleration) else acceleration * dt
        if abs(self._goal - self.position) <= slack * dt and abs(self.velocity - self._goal_velocity) <= 2.0 * slack:
            self.position, self.velocity = self._goal, self._goal_velocity
            self._goal, self.done = nan, True
