# `make help` lists what this does. Everything runs from a fresh clone: each target sets up what it needs first.
PYTHON ?= python3
BIN := .venv/bin
WEB := $(if $(wildcard web/package.json),web)
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests start demo test test-azure-local test-long test-pythons bench check clean python

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or later is needed, and '$(PYTHON)' was not found." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }

setup: python ## Install packages, fetch the local model, build the web page (only what changed)
	@$(PYTHON) -m tools.setup

setup-tests: python
	@$(PYTHON) -m tools.setup --tests

start: setup ## Serve the app with a local model (PORT=7071, STATE_DIR=.local unless given)
	@$(BIN)/python -m tools.start

demo: setup ## Run four workflows on a local model, with a crash in between (a minute or two)
	@$(BIN)/python -m tools.demo

test: setup-tests ## Run all tests but the long ones
	$(if $(WEB),npm --prefix web run test)
	@# They start hundreds of processes: what those import is compiled once, also where Python is told to write nothing.
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 2 --dist loadfile --ignore=tests/long

# Left out: what keeps nothing (domain, entities, infra, replay), knows nothing of the app (compat, devhost), speaks to a
# stand-in of the API (meta_agents), is a store itself (cosmos), or is about what runs on one machine (bench, tools).
STORELESS := bench compat cosmos devhost domain entities infra meta_agents replay tools

test-azure-local: setup-tests ## Run the tests that keep data once more, in Azure's clients over local servers
	TEST_STORES=azure PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 2 --dist loadfile --ignore=tests/long $(STORELESS:%=--ignore=tests/%)

test-long: setup-tests ## Run the long tests
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest tests/long
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --ignore=tests/long -m hypothesis --hypothesis-profile=long

test-pythons: setup-tests ## Run the app's tests on Python 3.12 and 3.13, where these are installed
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m tools.pythons

bench: setup ## Measure, beside LangGraph, DBOS and Agent Framework, into docs/performance.md (over an hour)
	$(BIN)/python -m bench --placement both --docs

check: setup ## Lint, formatting, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(WEB),npm --prefix web run lint)
	$(if $(WEB),npm --prefix web run typecheck)

clean: ## Remove what set-up, tests and checks made; .local (executions, model weights) stays
	rm -rf .venv web/node_modules web/dist tests/js/node_modules .*_cache .hypothesis
	find . -name __pycache__ -not -path './.local/*' -prune -exec rm -rf {} +
