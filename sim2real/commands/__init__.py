"""Commands of configurations and of the simulated world, found by entry point."""

from sim2real.configs.command_info import CommandInfo

_HERE = "sim2real.commands"

BENCH = CommandInfo("Measure speed side by side, as ratios.", f"{_HERE}.bench:app")
BENCH_CALIBRATION = CommandInfo(
    "Rehearse calibration on motors with histories.", f"{_HERE}.bench_rehearsals:calibration_app"
)
BENCH_FLASH = CommandInfo("Kill flashes and tamper with policies.", f"{_HERE}.bench_flash:app")
BENCH_HIL = CommandInfo("Measure how much faster than real time scenarios run.", f"{_HERE}.bench_hil:app")
BENCH_LOOP = CommandInfo("Measure how punctual the ticks of a run are.", f"{_HERE}.bench_loop:app")
BENCH_SOAK = CommandInfo("Run for hours: memory, drift, log.", f"{_HERE}.bench_soak:app")
BENCH_SUPERVISOR = CommandInfo("Kill and stall runs; time torque off.", f"{_HERE}.bench_supervisor:app")
BENCH_TICK = CommandInfo("Measure a tick without its wait for the bus.", f"{_HERE}.bench_tick:app")
BENCH_USED_MOTORS = CommandInfo(
    "Open and hold motors with random registers.", f"{_HERE}.bench_rehearsals:used_motors_app"
)
COMPLETION = CommandInfo("Print the script with which a shell completes words.", f"{_HERE}.completion:app")
CONFIG = CommandInfo("List, show and check configurations.", f"{_HERE}.config:app")
NEW = CommandInfo("Make a first robot, task, experiment or scenario of your own.", f"{_HERE}.new:app", slow=True)
REPRODUCE = CommandInfo("Repeat the step in which a simulation diverged.", f"{_HERE}.reproduce:app", slow=True)
