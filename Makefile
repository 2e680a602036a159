# Everything that is done with this repository. On a fresh machine each target sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
STAMP := .venv/.stamp
CATALOG := .venv/rest-catalog
SPARK := .venv/spark-jars
WORKERS ?= 2
# Compile a module once, not at each of the many starts of the tests, whatever the machine prefers.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup demo test test-slow fuzz faults golden parity check format lock bench spark clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' \
	  | while IFS=$$'\t' read -r target text; do printf '  make %-10s %s\n' "$$target" "$$text"; done

setup: $(STAMP) ## Install everything into .venv (done by itself when it is needed)

$(STAMP): requirements/dev.lock pyproject.toml tools/setup.sh
	@PYTHON="$(PYTHON)" tools/setup.sh

$(CATALOG): tests/rest_catalog/jars.sha256 | $(STAMP)
	@tools/rest_catalog.sh

spark: $(SPARK) ## Fetch Apache Spark and Iceberg's jar for it into .venv (400 MB; needs Java 17 and Maven)

$(SPARK): requirements/spark.lock requirements/spark-jars.sha256 tools/spark.sh | $(STAMP)
	@tools/spark.sh
	@touch $(SPARK)

demo: $(STAMP) ## Load a year of real flights from files to gold, and show it
	@$(BIN)/lakewright demo flights

test: $(STAMP) $(CATALOG) ## Run the tests (WORKERS=2 at a time)
	$(BIN)/pytest -m "not slow" -n $(WORKERS)

test-slow: $(STAMP) $(CATALOG) ## Run the tests that take minutes
	$(BIN)/pytest -m slow

fuzz: $(STAMP) ## Try every property on thousands of new examples (tens of minutes)
	LAKEWRIGHT_FUZZ=1 $(BIN)/pytest -m "hypothesis and not slow" -n $(WORKERS)

faults: $(STAMP) ## Strike 1,000 faults at one disk access each (POINTS=0: all; SHARD=1/4; needs strace)
	$(BIN)/python -m tests.faults $(if $(POINTS),--points $(POINTS)) $(if $(SHARD),--shard $(SHARD)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(POINT),--point $(POINT))

golden: $(STAMP) ## Rewrite the golden files that tests compare with (then read the difference)
	LAKEWRIGHT_GOLDEN=write $(BIN)/pytest -m "not slow" -n $(WORKERS)
	@git status --short -- tests

parity: spark ## Ask Apache Spark every recorded question again (minutes)
	nice $(BIN)/python tools/record_spark.py --check

check: $(STAMP) ## Hold the style: format, lint, types, import contracts, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_sizes.py

format: $(STAMP) ## Format the code, and mend what the linter can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: $(STAMP) ## Pin anew what is installed (UPGRADE=1: take newer versions)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	  --no-emit-index-url --no-header --quiet $(if $(UPGRADE),--upgrade) \
	  -o requirements/dev.lock

bench: $(STAMP) ## Measure speed and memory against the floor (minutes; a quiet machine)
	$(BIN)/python -m bench

clean: ## Remove everything that was made, .venv included
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .faults \
	  build dist demo bench/out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
