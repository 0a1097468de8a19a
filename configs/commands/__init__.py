"""The command of the configuration; the root command finds it by entry point."""

from sim2real.configs.command_info import CommandInfo

CONFIG = CommandInfo("List, show and check configurations.", "sim2real.configs.commands.config:app")
