"""The commands of the runtime, one module each; the root command finds them by entry point."""

from sim2real.configs.command_info import CommandInfo

_HERE = "sim2real.runtime.commands"

DOCTOR = CommandInfo("Check this machine, and say what mends it.", f"{_HERE}.doctor:app")
FLASH = CommandInfo("Install a policy on a robot: verified, tried, reversible.", f"{_HERE}.flash:app", slow=True)
HIL = CommandInfo("Run hardware-in-the-loop scenarios on the emulated robot.", f"{_HERE}.hil:app", slow=True)
HISTORY = CommandInfo("Show what has happened to a robot's policies.", f"{_HERE}.history:app")
INSPECT = CommandInfo("Show a policy's contract, digests and provenance.", f"{_HERE}.inspect:app", slow=True)
KEYGEN = CommandInfo("Make a key to sign policies with.", f"{_HERE}.keygen:app")
RECEIVE = CommandInfo("The robot's side of a flash over ssh.", f"{_HERE}.receive:app")
REPLAY = CommandInfo("Prove that a log's observations and targets are exact.", f"{_HERE}.replay:app", slow=True)
REVOKE = CommandInfo("Mark a policy as bad on a robot.", f"{_HERE}.revoke:app")
ROLLBACK = CommandInfo("Switch a robot back to its previous policy.", f"{_HERE}.rollback:app")
RUN = CommandInfo("Run a policy on a robot, real or emulated.", f"{_HERE}.run:app", slow=True)
SERVICE = CommandInfo("Run a robot's active policy as a service of systemd.", f"{_HERE}.service:app")
SIGN = CommandInfo("Sign a policy, in minisign's format.", f"{_HERE}.sign:app")
STATUS = CommandInfo("Show which policies a robot holds.", f"{_HERE}.status:app")
SUPPORT = CommandInfo("Pack what others need to help into one archive, nothing private.", f"{_HERE}.support:app")
TRUST = CommandInfo("Change which signatures a robot accepts.", f"{_HERE}.trust:app")
