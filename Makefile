# The commands a newcomer needs; each makes the virtual environment and installs what it needs by itself.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# A build leaves its metadata here, where Python would find them before those of the installation, however old they are.
UNSHADOW := @rm -rf sim2real.egg-info
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test test-parallel test-realtime test-fast coverage mutants lint docs site pages format clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    train, export, flash and run a policy on an emulated motor; about a minute after installation"
	@echo "make test    run the test suite, on all cores"
	@echo "make test-fast  most of it, in a minute: all but what is marked slow or realtime"
	@echo "make coverage  every branch of safety, state machine, session, loop and codecs is tested"
	@echo "make mutants  the tests of safety notice every change of a line; seven minutes on two cores"
	@echo "make lint    formatting, lint rules, types, import contracts"
	@echo "make docs    build the documentation into build/site; links are checked, the blocks of its pages run"
	@echo "make format  format the code and mend what can be mended"
	@echo "make clean   remove the virtual environment and what the tools left"

demo: $(VENV)/.train
	$(BIN)/sim2real demo

# A process for each core. What needs real time comes afterwards and alone: it asks for the processor at given times.
PARALLEL := --numprocesses auto --maxprocesses 8 --dist worksteal

test: test-parallel test-realtime

# What `coverage` runs is not run a second time where both are asked for.
test-parallel: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) -m "not realtime and not pages" \
		$(if $(filter coverage,$(MAKECMDGOALS)),$(addprefix --ignore=,$(TRUSTED_TESTS)))

test-realtime: $(VENV)/.dev
	$(BIN)/python -m pytest -m realtime

test-fast: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) -m "not realtime and not slow and not pages" --durations 5

# What must not be wrong is covered whole: safety, state machine, session, loop, codecs.
TRUSTED := runtime/safety.py runtime/verdict.py runtime/limits.py runtime/states.py \
	$(filter-out runtime/envelope/__init__.py,$(wildcard runtime/envelope/*.py)) hardware/bus/framing.py hardware/moteus/lines.py \
	$(wildcard hardware/*/frame.py) \
	$(addprefix runtime/,$(addsuffix .py,session controller read_stage policy_stage connection torque_off blend pose swap stop loop \
	first_reading run_end restart run_reasons fault_latch pose_stage outcome operator/requests operator/commands))
TRUSTED_TESTS := tests/runtime/envelope tests/runtime/test_safety.py tests/runtime/test_limits.py tests/runtime/test_states.py \
	tests/runtime/test_impedance.py \
	$(wildcard tests/hardware/*/test_*_frame.py) tests/hardware/moteus/test_moteus_lines.py \
	$(addprefix tests/runtime/test_,$(addsuffix .py,session run_edges reactions torque_off lowering first_command swap loop \
	decimated_run imu_run goal telemetry)) tests/runtime/operator/test_reset.py tests/runtime/operator/test_operated_run.py

coverage: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) $(TRUSTED_TESTS) $(foreach file,$(TRUSTED),--cov=sim2real.$(subst /,.,$(basename $(file)))) \
		--cov-branch --cov-report=term-missing --cov-fail-under=100

# Every mutant that survives is in tests/mutants/equivalent.txt, with the reason. One module: python tests/mutants limits
mutants: $(VENV)/.dev
	$(BIN)/python tests/mutants

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy examples
	$(BIN)/lint-imports

# Strict: a warning, a broken link or a missing anchor fails. Look at it with `python3 -m http.server -d build/site`.
# The blocks of the pages are run as a reader would type them.
docs: site pages

site: $(VENV)/.docs $(VENV)/.dev
	$(BIN)/python docs/check_links.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

pages: $(VENV)/.docs $(VENV)/.dev
	$(BIN)/python -m pytest -m pages tests/system/test_docs.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV) ..."
	$(PIP) --editable '.[train]'
	$(UNSHADOW)
	@touch $@

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing the tools of the documentation ..."
	$(PIP) --editable '.[docs]'
	$(UNSHADOW)
	@touch $@

# Tests of LeRobot's arms are skipped, and say so, where an index does not have it.
$(VENV)/.dev: $(VENV)/.train tests/lerobot.txt
	@echo "installing the tools of development ..."
	$(PIP) --editable '.[dev]'
	-$(PIP) --no-deps --requirement tests/lerobot.txt
	$(UNSHADOW)
	@touch $@
