"""The commands of training, one module each; the root command finds them by entry point."""

from sim2real.configs.command_info import CommandInfo

_HERE = "sim2real.training.commands"

CHECK = CommandInfo("Check a robot, a task or an experiment before it is trained.", f"{_HERE}.check:app", slow=True)
DEMO = CommandInfo("Train, export, flash and run a swing-up: the whole chain.", f"{_HERE}.demo:app", slow=True)
EVAL = CommandInfo("Evaluate a policy in simulation.", f"{_HERE}.eval:app", slow=True)
EXPORT = CommandInfo("Export a policy to ONNX with its contract, or to C.", f"{_HERE}.export:app", slow=True)
IMPORT = CommandInfo("Import a policy from another project.", f"{_HERE}.import_policy:app", slow=True)
REPORT = CommandInfo("Write an HTML report of a run or a log.", f"{_HERE}.report:app", slow=True)
RUNS = CommandInfo("List, compare and remove training runs.", f"{_HERE}.runs:app")
SWEEP = CommandInfo("Train with several settings and seeds, and compare.", f"{_HERE}.sweep:app", slow=True)
TRAIN = CommandInfo("Train a policy.", f"{_HERE}.train:app", slow=True)
VIEW = CommandInfo("Look at a robot, a policy, a task or a log as it moves.", f"{_HERE}.view:app", slow=True)
BENCH_LEARN = CommandInfo("Compare learners with other projects' learners.", f"{_HERE}.bench_learn:app")
BENCH_MODELS = CommandInfo("Try other people's models, from file to training.", f"{_HERE}.bench_models:app")
BENCH_FAMILY = CommandInfo("Study the family of algorithms; days.", f"{_HERE}.bench_family:app")
BENCH_RETURNS = CommandInfo("Compare returns with published ones; days.", f"{_HERE}.bench_returns:app")
BENCH_TRANSFER = CommandInfo("Compare how policies transfer between worlds.", f"{_HERE}.bench_transfer:app")
