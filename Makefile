# SPDX-License-Identifier: Apache-2.0
# Every target calls what it needs; nothing has to be run before another.

UV_VERSION := 0.13.9
BIN := .venv/bin
STATIC := src/cheoyong/faces/console/static
CONSOLE_SOURCES := $(shell find console/src console/public console/index.html -type f 2>/dev/null) \
	console/package-lock.json console/vite.config.ts console/svelte.config.js console/tsconfig.json
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-header --quiet

# Tests of whole installations have the machine to themselves, one after the other; all others run two at a time.
WHOLE := tests/browser tests/clients tests/system

.DEFAULT_GOAL := help
.PHONY: help install console demo test check check-python check-console faults bench docs lock clean

help:  ## show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

install: .venv/.tools  ## make .venv with the program and every tool, from the lock files

console: $(STATIC)/index.html  ## build the operator console, if its sources changed

demo: .venv/.program console  ## replay typhoon Chaba and open the console
	$(BIN)/cheoyong demo

test: check check-console  ## everything a change must pass
	@scripts/browser-for-tests
	$(BIN)/pytest -n 2 --no-loadscope-reorder $(WHOLE:%=--ignore=%) --cov --cov-report= --cov-fail-under=0
	$(BIN)/pytest $(WHOLE) --cov --cov-append --cov-report=term:skip-covered

check: install  ## style, types, rooms: without running the program
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

check-console: console
	npm --prefix console run --silent check
	npm --prefix console run --silent test

faults: install console  ## the long fault ladder: kills, lost connections, many examples
	$(BIN)/pytest -m faults
	CHEOYONG_EXAMPLES=20 $(BIN)/pytest --timeout=3600 tests/faces/sensorthings/test_filter_properties.py \
		tests/faces/sensorthings/test_tenants.py tests/faces/sensorthings/test_paging.py

bench: .venv/.program  ## measure ingest on this machine, beside COPY of the same run
	$(BIN)/cheoyong bench ingest

docs: install  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lock: install  ## choose package versions anew, within the bounds of pyproject.toml
	$(LOCK) --upgrade --extra dev pyproject.toml -o requirements.lock
	$(LOCK) --upgrade -c requirements.lock pyproject.toml -o requirements-run.lock

clean:  ## delete what was built: environment, console, documentation, caches
	rm -rf .venv site dist build $(STATIC) console/node_modules htmlcov .coverage*
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +

# What the targets above are made of -----------------------------------------------------------

$(BIN)/python:
	scripts/make-venv $(UV_VERSION)

.venv/.program: requirements-run.lock pyproject.toml | $(BIN)/python
	scripts/install-packages requirements-run.lock
	@touch $@

.venv/.tools: requirements.lock .venv/.program | $(BIN)/python
	scripts/install-packages requirements.lock
	@touch $@

console/node_modules/.installed: console/package.json console/package-lock.json
	@command -v npm >/dev/null || { echo "error: npm is not here; install Node.js 20.19 or newer" >&2; exit 1; }
	npm --prefix console ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

$(STATIC)/index.html: console/node_modules/.installed $(CONSOLE_SOURCES)
	npm --prefix console run --silent build -- --logLevel error
	@touch $@
