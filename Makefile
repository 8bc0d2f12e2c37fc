# Everything a newcomer needs: `make demo` and `make test` set up what they use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Uninstalled code is never imported by accident; pip asks no questions.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo serve test soak bench bench-identity lint lock openapi clean-demo clean

help: ## Show these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make a virtual environment; on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the packages of requirements.lock ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing the packages of requirements-dev.lock ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.run ## Simulate the hospitals, sync, link, serve (PORT=9000 for another port, FULL=1 for full size)
	@$(BIN)/fhir-gateway demo $(if $(PORT),--port $(PORT)) $(if $(FULL),--full --folder demo-full)

serve: $(VENV)/.run ## Serve what gateway.toml names (PORT=9000 for another port)
	@$(BIN)/fhir-gateway serve $(if $(PORT),--port $(PORT))

lint: $(VENV)/.dev ## Style, types and the import law
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint ## All checks and tests
	$(BIN)/pytest -n 2 --dist worksteal -m "not soak"

soak: $(VENV)/.bench ## The full counts of the acceptance lists (slow)
	$(BIN)/pytest -n 2 -m soak

bench: $(VENV)/.dev ## Ratios against named ceilings, into bench/RESULTS.md
	$(BIN)/python -m bench

$(VENV)/.bench: requirements-bench.lock $(VENV)/.dev
	@echo "Installing the packages of requirements-bench.lock ..."
	@$(PIP) install --require-hashes -r requirements-bench.lock
	@touch $@

bench-identity: $(VENV)/.bench ## How right linking is, beside Splink, into bench/RESULTS.md
	$(BIN)/python -m bench.identity

openapi: $(VENV)/.run ## Write openapi.yaml from the tables
	$(BIN)/fhir-gateway openapi > openapi.yaml

# Not `spark`: half a gigabyte that only `make bench-identity` and large stores need.
EXTRAS := --extra postgres --extra mysql --extra mongodb

lock: $(VENV)/.dev ## Renew the lock files
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $(EXTRAS) --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url $(EXTRAS) --group build -c requirements-dev.lock pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra spark --group bench -c requirements-dev.lock pyproject.toml -o requirements-bench.lock

clean-demo: ## Forget the demo's stores and database
	rm -rf demo demo-full

clean: clean-demo ## Forget the environment too
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
