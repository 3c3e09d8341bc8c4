# Two commands matter: `make demo` shows what this does, `make test` proves it. Each sets up what it needs.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready$(if $(LOCKED),-locked)

.DEFAULT_GOAL := help
.PHONY: help setup demo lab gallery study test smoke docs lint types check bench storm package lock clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv, or bring it up to date; LOCKED=1: with the versions of constraints.txt

$(READY): pyproject.toml $(if $(LOCKED),constraints.txt)
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python 3.11 or newer is needed, this is {v.major}.{v.minor}; set PYTHON=python3.x")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=24'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' $(if $(LOCKED),--constraint constraints.txt)
	@rm -f .venv/.ready*
	@touch $(READY)

demo: $(READY)  ## Evolve all that remembers one turn from random strategies, tell what happened, draw it
	$(BIN)/evolve run examples/memory1.toml
	$(BIN)/evolve plot runs/memory1
	$(BIN)/evolve report runs/memory1 --out runs/memory1/report.html
	@echo
	@$(BIN)/evolve story runs/memory1
	@echo "Open runs/memory1/report.html, and look at runs/memory1/plots. To have evolve in this shell: . $(BIN)/activate"
	@echo "Next: evolve lineage runs/memory1, evolve resume runs/memory1 --generations 2000,"
	@echo "evolve tournament lifl, or write an experiment of your own: evolve new my.toml"

lab: $(READY)  ## Open the lab, pages for people who do not program, in a browser
	$(BIN)/evolve lab

gallery: $(READY)  ## Run all examples and make a page of each: open gallery/index.html (some minutes)
	@for file in examples/*.toml; do $(BIN)/evolve run $$file || exit 1; done
	$(BIN)/evolve gallery gallery $$(for file in examples/*.toml; do basename $$file .toml | sed 's,^,runs/,'; done)

study: $(READY)  ## Does it resist invasion? Make docs/invasion-study.md (about twenty minutes)
	$(BIN)/python -m docs.make_invasion_study

test: $(READY)  ## Run the tests
	$(BIN)/python -m pytest -n auto

smoke: $(READY)  ## Run every benchmark once, with tiny sizes
	$(BIN)/python -m pytest -m smoke

docs: $(READY)  ## Build the documentation in docs/_build/html, and follow every page that has commands
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python -m pytest -n auto -m docs

lint: $(READY)  ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check types
	$(BIN)/mypy

check: lint types test  ## Everything that has to be green

bench: $(READY)  ## Print speed ratios, all measured in one run
	$(BIN)/python -m benchmarks

storm: $(READY)  ## Kill, cut, damage, forge and fuzz runs thousands of times, print what held (an hour)
	$(BIN)/python -m tests.storm

package: $(READY)  ## Build the source distribution and the wheel in dist, and try the wheel in an empty environment
	rm -rf dist build
	$(BIN)/python -m build --outdir dist . > /dev/null
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl $(if $(LOCKED),--constraint constraints.txt)
	cd build && empty/bin/evolve --version && empty/bin/evolve tournament tit_for_tat all_d --turns 10 && \
	    empty/bin/evolve new tiny.toml && empty/bin/evolve run tiny.toml --generations 3 --set population.size=20 --set selection.survivors=10

lock: check  ## Write the versions that everything has just passed with into constraints.txt
	@$(BIN)/python -c 'import platform; print(f"# Python {platform.python_version()}, {platform.platform()}: make lock wrote this, make setup LOCKED=1 reads it")' > .venv/versions
	@$(BIN)/python -m pip freeze --disable-pip-version-check --exclude-editable >> .venv/versions
	@mv .venv/versions constraints.txt

clean:  ## Remove everything that was made
	rm -rf .venv build dist docs/_build docs/reference/made *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
