# Needs python3 (3.11 or later) and make; everything else is set up in .venv-* folders here.
PYTHON ?= python3
# Minor version of Airflow: 3.1, 3.2 or 3.3.
AIRFLOW ?= 3.3

VENV := .venv-$(AIRFLOW)
BIN := $(VENV)/bin
CONSTRAINTS := constraints/airflow-$(AIRFLOW).txt
READY := $(VENV)/.ready
WORKERS ?= 2
# Every branch of these is tested.
COVERED := */api.py,*/approval.py,*/auth.py,*/checks.py,*/connection.py,*/models.py,*/responses.py,*/retry_after.py,*/texts.py,*/transitions.py,*/waiting.py

.PHONY: help demo test browser faults coverage bench lint types format build check-constraints constraints clean

help: ## Show this help.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(READY) ## Simulated Zuora, Airflow and the example DAGs; AUTO=1 approves, checks and ends.
	@$(BIN)/python -m airflow_zuora.demo $(if $(AUTO),--auto)

test: $(READY) ## The whole test suite; AIRFLOW=3.1 for another Airflow, TESTS=tests/unit for a part.
	$(BIN)/python -m pytest -n $(WORKERS) $(or $(TESTS),--ignore tests/browser)

browser: $(READY) ## The tests in a real browser; needs chromium. PICTURES=docs/images takes the pictures anew.
	PICTURES=$(PICTURES) $(BIN)/python -m pytest tests/browser

faults: $(READY) ## Every operation under every fault: a table, and an error if a cell is wrong.
	@$(BIN)/python -m tests.faults

coverage: $(READY) ## The tests with branch coverage, and the modules that must have all of it.
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report= tests/unit tests/test_architecture.py
	$(BIN)/coverage report --fail-under=100 --include='$(COVERED)'

bench: $(READY) ## Figures: cost of the hook, of an import, of a thousand waits.
	@for script in bench/*.py; do echo "$$script"; $(BIN)/python $$script || exit 1; done

lint: $(READY) ## Style of code.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## Types of the package.
	$(BIN)/mypy airflow_zuora bench

format: $(READY) ## Put the code into form.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

build: $(READY) ## Wheel and source distribution in dist/.
	$(BIN)/python -m build --no-isolation

check-constraints: $(READY) ## Whether what is installed is what is pinned.
	$(BIN)/python -m pip check
	$(BIN)/python -m pip freeze --exclude-editable | diff $(CONSTRAINTS) - \
		|| { echo "Run: make constraints AIRFLOW=$(AIRFLOW)"; exit 1; }

# Airflow 3.2 sets no upper bounds for these, and does not start with newer ones.
BOUNDS_3.2 := "fastapi<0.137" "cadwyn<8"

constraints: ## Pin the newest packages for AIRFLOW anew.
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]" "apache-airflow==$(AIRFLOW).*" $(BOUNDS_$(AIRFLOW))
	$(BIN)/python -m pip freeze --exclude-editable > $(CONSTRAINTS)
	touch $(READY)

clean: ## Remove everything that make has made.
	rm -rf .venv-* dist build .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(READY): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]" --constraint $(CONSTRAINTS)
	@touch $@
