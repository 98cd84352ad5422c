# make demo    an example, built and shown (needs git, make, python3 and python3-venv)
# make check   ruff, mypy and the fast tests: what to run before a commit
# make test    all tests, with the lab but for its long part; says first what this machine lacks and how to install it
# make lab     the whole lab, on two real kernels: more clusters, and all facts about the kernel
# make bench   time and memory, beside yamllint, check-jsonschema, keepalived -t and ipvsadm
# make mutants removes or flips one generated line at a time, to see whether the lab notices (an hour and more)
# make golden  rebuild examples/*/generated, tests/golden/*/generated and the pages in docs that are made from the source
# make clean   remove what the targets above leave behind

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo check lint test lab bench mutants golden clean
.DELETE_ON_ERROR:

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'lvsgen needs Python 3.11 or newer: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'Install with: apt-get install -y python3-venv' >&2; exit 1; }

# Two stamps, so that the demo waits for no test tools.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo 'installing lvsgen into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo 'installing the test tools into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh .ci/demo

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: export LVSGEN_ALLOW_MISSING_TOOLS ?= 1
check: lint
	$(BIN)/pytest -q -n auto --dist worksteal -m 'not slow and not lab'

test: $(VENV)/.installed-dev
	@$(BIN)/python tests/tools.py
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -q -n auto --dist worksteal -m 'not lab'
	$(BIN)/pytest -q -m 'lab and not long'

lab: $(VENV)/.installed-dev
	@$(BIN)/python tests/tools.py
	$(BIN)/pytest -q -m lab

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench.run

mutants: $(VENV)/.installed-dev
	@$(BIN)/python tests/tools.py
	$(BIN)/python -m tests.mutants

golden: $(VENV)/.installed
	$(BIN)/lvsgen build examples/* tests/golden/*
	$(BIN)/python -m lvsgen.rules.page docs/rules.md
	$(BIN)/python -m tests.lab.facts.page docs/kernel-facts.md

clean:
	rm -rf $(VENV) .demo .bench .mutants build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
