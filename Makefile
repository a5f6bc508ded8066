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
# The config decides where results go; the report stands beside them. The name stays a variable of the shell, which does
# not run what it may hold.
RESULTS_OF = import sys; from separatrix.core.yaml_file import read_yaml; \
	print([d["results_directory"] for d in [{"results_directory": "results"}, *map(read_yaml, sys.argv[1:])] \
	if "results_directory" in d][-1])

.PHONY: all env test report docs keys lock clean place
.DEFAULT_GOAL := all

all: report

env: .venv/ready

# What would stop Snakemake only after the environment has been built for minutes: it hands the path of Python to a shell
# as it is, and keeps files in the cache folder.
place:
	@case "$$PWD" in *[[:space:]\'\"\\\$$\`\&\;\|\<\>\(\)\*\?\!]*) \
		echo "make: the path $$PWD holds a blank, a quote or another character that a shell acts on; Snakemake cannot" \
			"run jobs with a Python in it: move the clone to another folder" >&2; exit 1;; esac
	@cache="$${XDG_CACHE_HOME:-$${HOME:-/nowhere}/.cache}"; \
		{ mkdir -p "$$cache/snakemake" && [ -w "$$cache/snakemake" ]; } 2>/dev/null || { \
		echo "make: $$cache cannot be written to, and Snakemake keeps files there; give another folder, such as" \
			"XDG_CACHE_HOME=\$$TMPDIR make" >&2; exit 1; }

# A bare Debian has Python without `venv`; it comes as a package of its own.
.venv/ready: requirements.lock pyproject.toml | place
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "make: $(PYTHON) is missing or older than 3.11; give another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || scripts/system-packages python3-venv
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The check comes first: it names file and line where Snakemake, which reads the file before it reads the workflow, does not,
# and refuses a file that would have Snakemake run the Python in it.
report: env | place
	@$(if $(filter 1,$(words $(CONFIG))),$(BIN)/separatrix check --quick $(CONFIG),true)
	$(SNAKEMAKE)
	@results="$$($(BIN)/python -c '$(RESULTS_OF)' $(CONFIG))" \
		&& $(SNAKEMAKE) --report "$$results/provenance.html" && echo "make: the report is $$results/report.html"

test: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint --configfile config/config.yaml
	$(BIN)/pytest -m "slow or not slow" -n $(CORES) --dist loadgroup

# What is not right ends it: a link that leads nowhere, a page that is not in the menu, a docstring that cannot be read.
docs: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "make: the documentation is site/index.html"

# The tables of config/README.md and the JSON schemas, from the keys as separatrix/config/sections describes them.
keys: env
	$(BIN)/python -m separatrix.report.key_tables

# Anew from pyproject.toml: names and versions, no addresses.
lock:
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet --upgrade setuptools
	.venv-lock/bin/python -m pip install --quiet ".[cluster,docs,test]"
	.venv-lock/bin/python -m pip freeze --all --exclude separatrix --exclude pip > requirements.lock
	rm -rf .venv-lock

clean:
	rm -rf .venv site
	[ ! -e results/.separatrix ] || rm -rf results/*/ results/report.html results/provenance.html results/.separatrix
