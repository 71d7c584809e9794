# Each command does all its own set-up. Needs Python 3.11 or newer, and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.anytel-setup

.PHONY: help demo test test-real test-real-go test-nextjs test-ops test-ops-go pictures test-lowest lint benchlogs format clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   the demo service, its traffic and what was collected, in memory"
	@echo "make test   all tests that need nothing but Python packages"
	@echo "make test-real  against Spotlight, Bugsink, the Datadog test agent and Prometheus, which it installs"
	@echo "make test-real-go  against an OpenTelemetry Collector, statsd_exporter, telegraf and a current Prometheus, which it compiles"
	@echo "make test-nextjs  from a Next.js application to the demo service, with the SDKs of three vendors; it builds it"
	@echo "make test-ops  what is generated, against Debian's Prometheus and Alertmanager, which it installs"
	@echo "make test-ops-go  the same against current ones and Thanos, which it compiles"
	@echo "make test-lowest  the conformance kit with the lowest versions of the SDKs that pyproject.toml allows"
	@echo "make pictures  draw the pictures in docs/dashboards (2 minutes)"
	@echo "make lint   ruff, mypy --strict and import-linter"
	@echo "make benchlogs  measure log lines, sync and async, and write docs/logs-sync-or-async.md (3 minutes)"
	@echo "make format rewrite the code in the one format"

$(SETUP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "anytel needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[all,dev]"
	@touch $(SETUP)

demo: $(SETUP)
	@$(BIN)/anytel demo

test: $(SETUP)
	@$(BIN)/python -m pytest --ignore=tests/real --ignore=tests/nextjs --ignore=tests/ops --numprocesses auto --maxprocesses 8

test-real: $(SETUP)
	@$(BIN)/python tests/real/install.py ready
	@ANYTEL_REQUIRE_TOOLS=1 $(BIN)/python -m pytest tests/real -m "not go"

test-real-go: $(SETUP)
	@$(BIN)/python tests/real/install.py go
	@ANYTEL_REQUIRE_TOOLS=1 $(BIN)/python -m pytest tests/real -m go

test-nextjs: $(SETUP)
	@PYTHONPATH=tests $(BIN)/python -m nextjs.build
	@ANYTEL_REQUIRE_TOOLS=1 $(BIN)/python -m pytest tests/nextjs

test-ops: $(SETUP)
	@$(BIN)/python tests/real/install.py prometheus-debian ops
	@ANYTEL_REQUIRE_TOOLS=1 $(BIN)/python -m pytest tests/ops -m "not go"

test-ops-go: $(SETUP)
	@$(BIN)/python tests/real/install.py prometheus-3.16.0 ops-go
	@ANYTEL_REQUIRE_TOOLS=1 $(BIN)/python -m pytest tests/ops -m go

pictures: $(SETUP)
	@$(BIN)/python tests/real/install.py prometheus-debian pictures
	@PYTHONPATH=tests $(BIN)/python -m ops.pictures

test-lowest: $(SETUP)
	@test -x $(VENV)-lowest/bin/python || $(PYTHON) -m venv $(VENV)-lowest
	@$(BIN)/python tests/lowest.py > $(VENV)-lowest/pins.txt
	@$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(VENV)-lowest/pins.txt pytest-timeout
	@$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(VENV)-lowest/bin/python -m pytest tests/conformance --ignore=tests/conformance/test_table.py

lint: $(SETUP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/mypy tests/typing
	@$(BIN)/lint-imports --no-cache

benchlogs: $(SETUP)
	@$(BIN)/python -m benchmarks.logging --write

format: $(SETUP)
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

clean:
	@rm -rf $(VENV) $(VENV)-lowest build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
