# Every command works from a fresh clone: what it needs is installed first, from the lock files.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_HOME ?= $(CURDIR)/demo-home
export RAKURS_DEV_HOME := $(DEMO_HOME)
# Compiled modules are kept: every command and every server of the tests starts half a second sooner.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help venv demo dev test prove check types style contracts fast-tests bench lock docs clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

venv: $(VENV)/.locked $(VENV)/.installed ## Make .venv with the locked dependencies and rakurs in it

$(VENV)/.locked: requirements/uv.txt requirements/dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit("Rakurs needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/uv.txt requirements/dev.txt
	@touch $@ && rm -f $(VENV)/.installed

$(VENV)/.installed: pyproject.toml hatch_build.py assets/package-lock.json
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: venv ## Generate a demo company, load it and serve it
	@$(BIN)/rakurs --home $(DEMO_HOME) demo

dev: venv ## Serve the demo company and restart on changes
	@RAKURS_RELOAD=1 $(BIN)/rakurs --home $(DEMO_HOME) demo

test: venv ## Run the whole test suite, a browser and Spark included
	@scripts/ensure-browser
	@scripts/ensure-java
	@scripts/ensure-postgresql
	@scripts/ensure-mariadb
	$(BIN)/pytest -n 2 --dist loadgroup

prove: ## The same with many more kills, random companies and examples, and all of what is alike: hours
	@RAKURS_TEST_EFFORT=proof $(MAKE) --no-print-directory test

check: venv ## Format, lint, types, import contracts, fast tests: under a minute
	@$(MAKE) --no-print-directory -j 2 types style contracts fast-tests

types:
	$(BIN)/pyright
	$(BIN)/mypy

style:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

contracts:
	$(BIN)/lint-imports

fast-tests:
	$(BIN)/pytest -n 2 -m "not slow and not browser and not spark"

bench: venv ## Measure the analyses and the load against peers, in one run
	$(BIN)/python -m bench

docs: venv ## Rewrite the generated reference pages
	$(BIN)/python -m rakurs.app.reference docs/reference

lock: ## Resolve the dependencies anew
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }
	echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade - -o requirements/uv.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra spark --group dev --constraint requirements/run.txt pyproject.toml -o requirements/dev.txt

clean: ## Remove what was built (not the demo company's data)
	rm -rf $(VENV) build dist src/rakurs/web/static/vendor
