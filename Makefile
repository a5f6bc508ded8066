# make        the environment, then the default comparison and its report (results/report.html)
# make test   the environment, then all tests
# make docs   the environment, then the documentation as a site: site/index.html
# make env    the environment alone, in .venv
#
# CORES=n     jobs at a time (default: all cores)
# CONFIG=f    another config file
# PYTHON=p    the Python to build the environment with (3.11 or newer)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
CORES ?= $(shell nproc)
CONFIG ?= config/config.yaml
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) --configfile $(CONFIG)
# The config decides where results go; the report stands beside them.
RESULTS = $(shell sed -n 's/^results_directory: *//p' $(CONFIG))

.PHONY: all env test report docs lock clean
.DEFAULT_GOAL := all

all: report

env: .venv/ready

# A bare Debian has Python without `venv`; it comes as a package of its own.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "make: $(PYTHON) is missing or older than 3.11; give another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || scripts/system-packages python3-venv
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

report: env
	$(SNAKEMAKE)
	$(SNAKEMAKE) --report $(or $(RESULTS),results)/provenance.html
	@echo "make: the report is $(or $(RESULTS),results)/report.html"

test: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint --configfile config/config.yaml
	$(BIN)/pytest -m "slow or not slow" -n $(CORES) --dist loadgroup

# What is not right ends it: a link that leads nowhere, a page that is not in the menu, a docstring that cannot be read.
docs: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "make: the documentation is site/index.html"

# Anew from pyproject.toml: names and versions, no addresses.
lock:
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet --upgrade setuptools
	.venv-lock/bin/python -m pip install --quiet ".[cluster,docs,test]"
	.venv-lock/bin/python -m pip freeze --all --exclude separatrix --exclude pip > requirements.lock
	rm -rf .venv-lock

clean:
	rm -rf .venv site results/*/ results/report.html results/provenance.html
