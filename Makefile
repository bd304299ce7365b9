# Two commands set everything up on a machine with Python 3.11+, pip and make:
#   make demo   environment, main job, path of the report
#   make test   environment with test tools, the default test set
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= psma-dntgfbr2

.PHONY: demo test test-all lint types docs bench clean

# The environment is remade when pyproject.toml changes. Wheels only: nothing is compiled on the user's machine.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: hatchling editables
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-build-isolation --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/carwright run $(STUDY) --out runs/demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/ruff format --check src tests benchmarks docs

types: $(VENV)/.installed-dev
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.engine

clean:
	rm -rf $(VENV) docs/_build runs
