"""Schema of friction in motor and gear train: Coulomb-viscous, and the terms that richer models add."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.quantity import AngularVelocity, Damping, NonNegative, Positive, Torque

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
PerTorque = Annotated[float, Field(ge=0.0, le=1.0)]


class Stribeck(Config):
    """Friction that fades with the velocity: its share is exp(−(|velocity| / `velocity`) ^ `exponent`), 1 at rest."""

    coulomb: Annotated[Torque, NonNegative] = 0.0
    """Torque that is added to Coulomb friction at rest."""
    velocity: Annotated[AngularVelocity, Positive]
    """Velocity at which the share has fallen to 1/e."""
    exponent: Annotated[float, Field(gt=0.0, le=20.0)] = 2.0
    """How abruptly it falls. Default: a Gauss curve, as in most texts."""


class LoadFriction(Config):
    """Friction that grows with what the gears transmit; shares are torque of friction per torque."""

    motor: Share = 0.0
    """Share of the motor's torque, at any velocity."""
    external: Share = 0.0
    """Share of the torque from outside, at any velocity; the same as `motor` where the model knows no direction."""
    motor_stribeck: Share = 0.0
    """Further share of the motor's torque at rest, which fades as `stribeck` says."""
    external_stribeck: Share = 0.0
    """Further share of the torque from outside at rest."""
    motor_quadratic: PerTorque = 0.0
    """Per N·m: friction at rest with the square of the motor's torque, where it brakes a stronger one from outside."""
    external_quadratic: PerTorque = 0.0
    """Per N·m: friction at rest with the square of the torque from outside, against which a stronger motor works."""

    @property
    def fades(self) -> bool:
        """Whether a term needs the fading of `stribeck`."""
        return any((self.motor_stribeck, self.external_stribeck, self.motor_quadratic, self.external_quadratic))


class Friction(Config):
    """Friction of motor and gear train at the output shaft.

    All values must come from one fit of one model. `coulomb` and `viscous` alone are the Coulomb-viscous model; the
    constants of a richer model are smaller, because its other terms contribute the rest: alone, they give too little.
    """

    coulomb: Annotated[Torque, NonNegative]
    """Constant friction torque, opposite to the motion."""
    viscous: Annotated[Damping, NonNegative] = 0.0
    """Friction torque per velocity."""
    stribeck: Stribeck | None = None
    """More friction at rest than in motion; null: none."""
    load: LoadFriction | None = None
    """Friction that grows with the load; null: none."""

    @property
    def varies(self) -> bool:
        """Whether dry friction depends on velocity or load."""
        return self.stribeck is not None or self.load is not None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.varies and self.coulomb == 0.0:
            raise ValueError("coulomb: 0 beside `stribeck` or `load`; valid: more than 0, randomisation scales by it")
        if self.load is not None and self.load.fades and self.stribeck is None:
            raise ValueError("load: shares at rest fade with the velocity of `stribeck`; give `stribeck`")
        return self
