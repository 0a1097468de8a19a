"""Commands of the simulated world, one module each; the root command finds them by entry point."""

from sim2real.configs.command_info import CommandInfo

_HERE = "sim2real.commands"

BENCH = CommandInfo("Measure speed side by side, as ratios.", f"{_HERE}.bench:app")
NEW = CommandInfo("Make the first files of your own robot.", f"{_HERE}.new:app")
REPRODUCE = CommandInfo("Repeat the step in which a simulation diverged.", f"{_HERE}.reproduce:app")
