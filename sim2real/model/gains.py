"""Where MuJoCo keeps what a motor is: columns of `actuator_gainprm`."""

# gainprm of a <dcmotor> is [R, K, 0, 0, kp, ki, kd, Vmax] (MuJoCo 4, mjs_setToDCMotor).
GAIN_RESISTANCE, GAIN_CONSTANT, GAIN_STIFFNESS, GAIN_DAMPING, GAIN_VOLTAGE_MAX = 0, 1, 4, 6, 7
