# Verbs of the project. Each calls the command `radcommons`; nothing here holds logic of its own.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080
DATABASE ?= sqlite+aiosqlite:///var/radcommons.db
ARCHIVE ?= var/archive
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.radcommons-setup
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev web run rehearsal test check format replay-day bench docs lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) web ## .venv with radcommons in it; quick when nothing changed

$(STAMP): requirements-run.lock pyproject.toml scripts/setup.sh
	PYTHON=$(PYTHON) sh scripts/setup.sh requirements-run.lock
	@touch $@

setup-dev: $(STAMP)-dev web ## the same with everything that tests need

$(STAMP)-dev: requirements.lock pyproject.toml scripts/setup.sh
	PYTHON=$(PYTHON) sh scripts/setup.sh requirements.lock
	@touch $(STAMP) $@

web: ## the page's libraries from npm, where node exists
	@sh scripts/web.sh

run: setup ## everything in one process on SQLite; make run PORT=8090
	$(BIN)/radcommons run --host $(HOST) --port $(PORT) --database $(DATABASE) --archive $(ARCHIVE)

rehearsal: setup ## the service with a simulated upstream, without the internet; everything is marked as an exercise
	$(BIN)/radcommons rehearsal --host $(HOST) --port $(PORT)

check: setup-dev ## lint, format, types, import contracts, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/docs

test: check ## all that CI runs
	sh scripts/browser.sh
	$(BIN)/pytest -n 2

format: setup-dev ## let ruff put everything in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

replay-day: setup-dev ## a whole real day of Japan against counts from the files (needs the folder of captured payloads)
	RADCOMMONS_WHOLE_DAY=1 $(BIN)/pytest tests/radcommons/test_real_days.py -s

bench: setup-dev ## speed figures, as ratios within one run
	$(BIN)/python -m bench.store

docs: setup-dev ## generated pages and schemas, from the code
	$(BIN)/python -m radcommons.reference
	$(BIN)/python -m specs.schema
	$(BIN)/python -m api.openapi_file

lock: ## requirements.lock (all extras), requirements-run.lock (what running needs), requirements-uv.lock (the installer)
	echo uv | uv pip compile - $(LOCK) --no-annotate --output-file requirements-uv.lock
	uv pip compile pyproject.toml --all-extras $(LOCK) --output-file requirements.lock
	uv pip compile pyproject.toml --extra build --extra postgres --constraint requirements.lock $(LOCK) --no-annotate --output-file requirements-run.lock

clean:
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
