"""Dry friction of motors and gear trains that depends on velocity and load.

The model is that of M. Duclusaud, G. Passault and others, "Extended Friction Models for the Physics Simulation of Servo
Actuators" (ICRA 2025, arXiv:2410.08650), whose M1 to M6 are what is left of it without some of the terms. Friction is a
budget: it takes up to this torque to stop the joint, and no more. Viscous friction is not in it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from sim2real.configs.schema.friction import Friction, LoadFriction, Stribeck
from sim2real.hardware.types import Float64Array

_NO_STRIBECK: Final = Stribeck.model_validate({"velocity": "1 rad/s"})
_NO_LOAD: Final = LoadFriction()


class GearFriction:
    """Dry friction of J motors.

    Args:
        motors: Friction of each.
    """

    def __init__(self, motors: Sequence[Friction]) -> None:
        stribeck = [motor.stribeck or _NO_STRIBECK for motor in motors]
        load = [motor.load or _NO_LOAD for motor in motors]
        self.coulomb: Float64Array = np.array([motor.coulomb for motor in motors])
        """Coulomb friction, (J,), N·m."""
        self.varies = any(motor.varies for motor in motors)
        """Whether any of it depends on velocity or load."""
        self._at_rest = np.array([each.coulomb for each in stribeck])
        self._velocity = np.array([each.velocity for each in stribeck])
        self._exponent = np.array([each.exponent for each in stribeck])
        self._motor, self._external = (np.array([getattr(e, n) for e in load]) for n in ("motor", "external"))
        self._motor_at_rest = np.array([each.motor_stribeck for each in load])
        self._external_at_rest = np.array([each.external_stribeck for each in load])
        self._motor_squared = np.array([each.motor_quadratic for each in load])
        self._external_squared = np.array([each.external_quadratic for each in load])

    def budget(self, velocity: Float64Array, motor: Float64Array, external: Float64Array) -> Float64Array:
        """Return the largest torque of dry friction, N·m.

        With s = exp(−|ω/ω_s|^α), which is 1 at rest, motor torque τ_m and torque from outside τ_e:

            τ_c + |k_e τ_e − k_m τ_m| + s (τ_s + |k_es τ_e − k_ms τ_m| + q)

        where q is q_e τ_e² if the motor works against a weaker τ_e, q_m τ_m² if it brakes a stronger one, and 0 if both
        have the same sign.

        Args:
            velocity: ω at the output shaft, (…, J), rad/s.
            motor: τ_m of the motor at the output shaft, (…, J), N·m.
            external: τ_e of gravity, inertia, contacts and whatever else acts on the shaft from outside, (…, J), N·m.
        """
        strength, load = np.abs(motor), np.abs(external)
        squared = np.where(load < strength, self._external_squared * load**2, self._motor_squared * strength**2)
        opposed = (np.sign(motor) != np.sign(external)) & (load != strength)
        at_rest = self._at_rest + np.abs(self._external_at_rest * external - self._motor_at_rest * motor)
        at_rest += np.where(opposed, squared, 0.0)
        fading = np.exp(-((np.abs(velocity) / self._velocity) ** self._exponent))
        moving = self.coulomb + np.abs(self._external * external - self._motor * motor)
        budget: Float64Array = moving + fading * at_rest
        return budget
