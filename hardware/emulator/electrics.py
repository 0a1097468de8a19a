"""The electrical side of the motors of a robot: supply, windings and heat, from the figures of the datasheet."""

from collections.abc import Sequence

from configs.schema.robot import RobotConfig

AMBIENT = 25.0
"""°C; the temperature at which datasheets give winding resistances."""

COPPER_COEFFICIENT = 0.00393
"""1/K; temperature coefficient of the resistance of annealed copper at 20 °C (IEC 60028)."""

HEAT_CAPACITY = 50.0
"""J/K; an XM430 weighs 82 g (e-Manual), times 600 J/(kg·K) for its mix of metals and plastic: an estimate."""

THERMAL_RESISTANCE = 13.0
"""K/W; the case of an XM430 (28.5 x 46.5 x 34 mm, 0.0078 m²) in still air at 10 W/(m²·K): an estimate."""

SOURCE_RESISTANCE = 0.1
"""Ω; a metre of cable (AWG 20, 33 mΩ/m, both ways) and the load regulation of a bench supply: an estimate."""

_THERMAL_STEP_S = 0.1  # the time constant is HEAT_CAPACITY·THERMAL_RESISTANCE = 650 s


class Electrics:
    """DC motors at their output shafts; every list has one entry a joint, in the order of the robot's joints.

    The motor is the one that MuJoCo's `<dcmotor nominal="V stall_torque no_load_speed">` derives from the datasheet:
    K = V / no-load speed, R = K·V / stall torque, i = (v - K·ω) / R, torque = K·i. Datasheets give a larger stall
    current than V / R, because losses of the gear train are in the stall torque and not in the current. The current
    register therefore has a constant of its own, stall torque / stall current: what a motor reports, and takes as a
    goal, is torque / torque_constant, so that a current goal τ / torque_constant delivers τ until the voltage is used
    up.

    Plain floats: the dozen numpy calls that a step takes cost as much as the arithmetic of fifteen motors.
    """

    def __init__(self, robot: RobotConfig, timestep_s: float) -> None:
        motors = [joint.motor for joint in robot.joints.values()]
        nominal = [motor.nominal for motor in motors]
        self.motor_constant = [n.voltage / n.no_load_speed for n in nominal]
        """K: V·s/rad, and N·m/A of winding current."""
        self.torque_constant = [motor.torque_constant for motor in motors]
        """N·m per ampere that the current register shows."""
        self._resistance_cold = [
            constant * n.voltage / n.stall_torque for constant, n in zip(self.motor_constant, nominal, strict=True)
        ]
        self.resistance = list(self._resistance_cold)
        """Ω, at the present temperature."""
        self.temperature = [AMBIENT] * len(motors)
        """°C"""
        self.torque = [0.0] * len(motors)
        """N·m at the output shafts, in the motors' own direction."""
        self.supply_nominal = robot.supply_voltage
        """V of the unloaded supply; may be changed, a brown-out is that."""
        self.supply = robot.supply_voltage
        """V at the motors: the unloaded supply less what its own resistance takes."""
        self._heat = [0.0] * len(motors)
        self._dt = timestep_s
        self._thermal_steps = max(1, round(_THERMAL_STEP_S / timestep_s))
        self._steps = 0

    def step(self, duty: Sequence[float | None], velocity: Sequence[float]) -> None:
        """Advance one timestep.

        Args:
            duty: Terminal voltage as a share of the supply, -1 to 1, more is cut off; None where the bridge is open, so
                that no current flows.
            velocity: rad/s of the output shafts, in the motors' own direction.
        """
        supply, drawn = self.supply, 0.0
        for index, demand in enumerate(duty):
            if demand is None:
                self.torque[index] = 0.0
                continue
            share = min(max(demand, -1.0), 1.0)
            constant = self.motor_constant[index]
            current = (share * supply - constant * velocity[index]) / self.resistance[index]
            self.torque[index] = constant * current
            self._heat[index] += current * current
            drawn += share * current
        # The bridge is a buck converter: power in is power out, so the supply gives duty times the winding current. A
        # bench supply cannot take current back.
        self.supply = self.supply_nominal - SOURCE_RESISTANCE * max(0.0, drawn)
        self._steps += 1
        if self._steps >= self._thermal_steps:
            self._warm()

    def _warm(self) -> None:
        """Advance the temperatures since the last call: C·dT/dt = R·i² - (T - ambient) / thermal resistance."""
        elapsed = self._steps * self._dt
        for index, cold in enumerate(self._resistance_cold):
            joules = self._heat[index] * self.resistance[index] * self._dt
            joules -= elapsed * (self.temperature[index] - AMBIENT) / THERMAL_RESISTANCE
            self.temperature[index] += joules / HEAT_CAPACITY
            self.resistance[index] = cold * (1.0 + COPPER_COEFFICIENT * (self.temperature[index] - AMBIENT))
            self._heat[index] = 0.0
        self._steps = 0
