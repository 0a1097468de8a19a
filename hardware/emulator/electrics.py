"""The electrical side of the motors of a robot: supply, windings and heat, from the figures of the datasheet."""

from collections.abc import Sequence

from sim2real.configs.schema.robot import RobotConfig

AMBIENT = 25.0
"""°C; the temperature at which datasheets give winding resistances."""

COPPER_COEFFICIENT = 0.00393
"""1/K; temperature coefficient of the resistance of annealed copper at 20 °C (IEC 60028)."""

_THERMAL_STEP_S = 0.1  # time constants of motors are minutes


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
        self._heat_capacity = [motor.thermal.heat_capacity for motor in motors]
        self._thermal_resistance = [motor.thermal.resistance for motor in motors]
        self._supply_resistance = robot.supply_resistance
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
        supply = self.supply
        conductance, generated = 0.0, 0.0
        torque, heat, resistance, constants = self.torque, self._heat, self.resistance, self.motor_constant
        for index, demand in enumerate(duty):
            if demand is None:
                torque[index] = 0.0
                continue
            share = 1.0 if demand > 1.0 else -1.0 if demand < -1.0 else demand
            constant, ohms = constants[index], resistance[index]
            emf = constant * velocity[index]
            current = (share * supply - emf) / ohms
            torque[index] = constant * current
            heat[index] += current * current
            conductance += share * share / ohms
            generated += share * emf / ohms
        # The bridge is a buck converter: power in is power out, so the supply gives duty times the winding current. A
        # bench supply cannot take current back. Solved for the voltage at these duties: from one step to the next it
        # would swing where the windings' resistance is not far above the supply's own.
        source = self._supply_resistance
        sagged = (self.supply_nominal + source * generated) / (1.0 + source * conductance)
        self.supply = min(self.supply_nominal, sagged)
        self._steps += 1
        if self._steps >= self._thermal_steps:
            self._warm()

    def _warm(self) -> None:
        """Advance the temperatures since the last call: C·dT/dt = R·i² - (T - ambient) / thermal resistance."""
        elapsed = self._steps * self._dt
        for index, cold in enumerate(self._resistance_cold):
            joules = self._heat[index] * self.resistance[index] * self._dt
            joules -= elapsed * (self.temperature[index] - AMBIENT) / self._thermal_resistance[index]
            self.temperature[index] += joules / self._heat_capacity[index]
            self.resistance[index] = cold * (1.0 + COPPER_COEFFICIENT * (self.temperature[index] - AMBIENT))
            self._heat[index] = 0.0
        self._steps = 0
