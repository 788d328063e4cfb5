# Needs python3 (3.11 or later) and make; everything else is installed into .venv-* folders here.
PYTHON ?= python3
# Version of Airflow: 3.1, 3.2, 3.3, or lowest for the lowest supported version of each dependency.
AIRFLOW ?= 3.3

VENV := .venv-$(AIRFLOW)
BIN := $(VENV)/bin
CONSTRAINTS := constraints/airflow-$(AIRFLOW).txt
READY := $(VENV)/.ready
WORKERS ?= 2
# The modules without I/O: every branch of these is tested.
COVERED := */client/request.py,*/client/response.py,*/client/waits.py,*/client/token.py,*/arguments.py,*/client/config.py,*/approval/*,*/models.py,*/transitions.py,*/texts.py,*/exceptions.py

.PHONY: help demo test browser faults routes test-live bench lint types format build check-constraints constraints clean

help: ## Show this help.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(READY) ## Start a simulated Zuora and Airflow with the example DAGs. AUTO=1 approves, checks the result and exits; OPTIONS="--airflow-port 8081".
	@$(BIN)/python -m airflow_zuora.demo $(if $(AUTO),--auto) $(OPTIONS)

test: $(READY) ## Run the tests. AIRFLOW=3.1 uses another version of Airflow, TESTS=tests/client runs a part, COVERAGE=1 fails if a branch of a module without I/O is not tested.
	$(BIN)/python -m pytest -n $(WORKERS) $(if $(COVERAGE),--cov --cov-report=) $(or $(TESTS),--ignore tests/browser)
	$(if $(COVERAGE),$(BIN)/coverage report --fail-under=100 --include='$(COVERED)')

browser: $(READY) ## Run the tests in a real browser; needs chromium. PICTURES=docs/images renews the screenshots.
	PICTURES=$(PICTURES) $(BIN)/python -m pytest tests/browser

faults: $(READY) ## Run every operation under every fault and print a table; fails if an outcome breaks a rule.
	@$(BIN)/python -m tests.faults

routes: $(READY) ## Give Airflow the same connection in every way, and print what becomes of each field.
	@$(BIN)/python -m tests.connection_routes

test-live: $(READY) ## Check a real Zuora tenant; see docs/reliability.md. Reads only, unless a connection id is given.
	@$(BIN)/python -m tests.live

bench: $(READY) ## Measure what a request, an import and 500 waits cost.
	@for script in bench/*.py; do echo "$$script"; $(BIN)/python $$script || exit 1; done

lint: $(READY) ## Check the code style.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## Check the types.
	$(BIN)/mypy airflow_zuora bench

format: $(READY) ## Format the code and apply the fixes that are safe.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

build: $(READY) ## Build the wheel and the source distribution into dist/.
	$(BIN)/python -m build --no-isolation

# The lower bounds of pyproject.toml as exact versions.
LOWEST = $(shell sed -nE '/^dependencies/,/^]/s/^ *"([^">]+)>=([^"]+)".*/\1==\2/p' pyproject.toml)

check-constraints: $(READY) ## Check that exactly the pinned packages are installed.
	$(BIN)/python -m pip check
	@$(if $(filter lowest,$(AIRFLOW)),! printf '%s\n' $(LOWEST) | grep -vxFf $(CONSTRAINTS) &&) \
		$(BIN)/python -m pip freeze --exclude-editable | diff $(CONSTRAINTS) - \
		|| { echo "Run: make constraints AIRFLOW=$(AIRFLOW)"; exit 1; }

# What `make constraints` installs first. Airflow 3.2 sets no upper bounds for these two, and does not start with
# newer ones. The lowest set has for everything else what was newest when the last of the lower bounds came out.
FIRST = "apache-airflow==$(AIRFLOW).*"
ifeq ($(AIRFLOW),3.2)
FIRST += "fastapi<0.137" "cadwyn<8"
endif
ifeq ($(AIRFLOW),lowest)
FIRST = --uploaded-prior-to 2026-04-20 $(LOWEST) fastapi jinja2 uvicorn
endif

constraints: ## Pin the newest packages for AIRFLOW.
	rm -rf $(VENV)
	$(PYTHON) -m venv --upgrade-deps $(VENV)
	$(BIN)/python -m pip install --quiet $(FIRST)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	$(BIN)/python -m pip freeze --exclude-editable > $(CONSTRAINTS)
	touch $(READY)

clean: ## Remove everything that make has created.
	rm -rf .venv-* dist build .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(READY): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]" --constraint $(CONSTRAINTS)
	@touch $@
