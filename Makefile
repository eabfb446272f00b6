# Tasks of this repository. `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.made-from-lock
# The first Python that is new enough; `make PYTHON=... setup` takes another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# Every recipe below that names $(ON_ENGINE) first finds the engine, or gets it, and fails if there is none. The virtual
# environment comes first on PATH: the engine's Python host takes the interpreter from there.
ON_ENGINE = engine="$$($(PYTHON) tools/engine.py)" && PATH="$(BIN):$$engine:$$PATH"

.PHONY: help
help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## make .venv from the locked requirements, and find or get the Pulumi engine
	@$(ON_ENGINE) && echo "ready: $(VENV) and $$engine"

$(STAMP): requirements.txt requirements-dev.txt provider/pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.11 here; name one with make PYTHON=..." >&2; exit 1; }
	@echo "setup: making $(VENV) with $(PYTHON) from the locked requirements; the first time takes about a minute"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

.PHONY: demo
demo: $(STAMP) ## show a fleet's migration: the real engine against an embedded Houston
	@$(ON_ENGINE) python -m tools.demo

.PHONY: recording
recording: $(STAMP) ## record a real preview and run for README.md, in docs/recording.svg
	@$(ON_ENGINE) python -m tools.recording

.PHONY: docs
docs: $(STAMP) ## write the tables of docs/configuration.md from the code
	@$(BIN)/python -m tools.configuration_tables

.PHONY: sandbox
sandbox: $(STAMP) ## run the embedded Houston and print what to paste into a second terminal
	@$(ON_ENGINE) python -m tools.playground

# The tests on the engine come last and take longest. A process that is idle takes over some of them. There are more
# processes than cores, because many tests wait.
.PHONY: test
test: announced lint ## run every check and every test, with coverage; about eleven minutes
	@$(BIN)/coverage erase
	@$(ON_ENGINE) coverage run -m pytest -n 4 --dist worksteal --durations 10 --durations-min 1
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

.PHONY: announced
announced: $(STAMP)
	@echo "make test: format, style, types, layers and prose, then about 4,650 tests with coverage, 140 of them on the Pulumi"
	@echo "engine. It takes about eleven minutes on two cores; 'make quick' takes one minute and needs no engine."

.PHONY: quick
quick: lint ## run the checks and the quick tests that need no engine; one minute
	@$(BIN)/pytest -n 3 --dist worksteal -m "not (engine or slow or soak)" tests/unit tests/golden

.PHONY: lint
lint: $(STAMP) ## check format, style, types, layers and prose
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.prose

.PHONY: prose
prose: $(STAMP) ## find archaic or convoluted wording in code, documentation and golden texts
	@$(BIN)/python -m tools.prose

.PHONY: unit
unit: $(STAMP) ## run the tests that need no engine
	@$(BIN)/pytest -n 2 -m "not (engine or soak)"

.PHONY: matrix
matrix: $(STAMP) ## run the tests that need no engine on every Python from 3.11 on that this machine has
	@$(BIN)/python -m tools.matrix

.PHONY: e2e
e2e: $(STAMP) ## run the tests on the real engine
	@$(ON_ENGINE) pytest -n 3 --dist worksteal tests/e2e

.PHONY: languages
languages: $(STAMP) ## run the examples in TypeScript and Go, with generated SDKs; needs Go, npm and some minutes
	@$(ON_ENGINE) pytest -m soak tests/e2e/test_languages.py

# The measurements stay in build/measured, and are written into the tables of docs/reliability.md.
.PHONY: soak
soak: $(STAMP) ## crash at every point with every killer, walk two thousand random walks, try ten times the examples, run other languages; an hour
	@rm -rf build/measured && mkdir -p build/measured
	@$(ON_ENGINE) ASTRO_MEASURED=build/measured pytest -n 2 -m soak
	@ASTRO_MEASURED=build/measured $(BIN)/pytest -n 2 tests/contract/test_runs.py
	@DENSE_CATALOGS=400 $(BIN)/pytest -n 2 --hypothesis-profile many tests/property
	@$(BIN)/python -m tools.reliability_tables build/measured docs/reliability.md

# The results stay in build/mutants until the next run, and are written into docs/mutants.md.
.PHONY: mutants
mutants: $(STAMP) ## change the planning side in every small way and see whether a test notices; half an hour
	@$(BIN)/python -m tools.mutants

.PHONY: bench
bench: $(STAMP) build/users ## measure what is in docs/benchmarks.md, and write it there; about half an hour
	@$(ON_ENGINE) python -m bench

# The packages that users install and no others: httpx imports optional packages if it finds them.
build/users: requirements.txt
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

.PHONY: format
format: $(STAMP) ## format the code and apply ruff's safe fixes
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

.PHONY: lock
lock: $(STAMP) ## pin the newest requirements that fit
	@$(BIN)/python tools/lock.py

.PHONY: clean
clean: ## remove the virtual environment and what checks and tests left; the engine's cache stays
	rm -rf $(VENV) build .sandbox .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
