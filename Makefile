# Every target sets up what it needs: a fresh clone, Python 3.11 or later with venv, nothing else.
# PYTHONSAFEPATH keeps the repository's root off the module path: server/ and client/ are source roots, not packages.
export PYTHONSAFEPATH := 1
unexport PYTHONPATH PYTHONHOME

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
MEMBERS := keys client server
MANIFESTS := $(MEMBERS:%=%/pyproject.toml)
# The demo and the benchmarks are scripts of the repository, in no wheel: only they see its root.
SCRIPT := PYTHONPATH="$(CURDIR)" $(PY) -m
PYTHON ?=
FUZZ_EXAMPLES ?= 20000
SOAK_MINUTES ?= 10

.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-screening fuzz soak fmt lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

$(READY): requirements.lock $(MANIFESTS)
	@python="$(PYTHON)"; \
	if [ -z "$$python" ]; then for p in python3.11 python3.12 python3.13 python3.14 python3; do \
		if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
			>/dev/null 2>&1; then python=$$p; break; fi; done; fi; \
	if [ -z "$$python" ]; then \
		echo "error: no Python 3.11 or later with venv was found" >&2; \
		echo "hint: install one (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3 ..." >&2; \
		exit 1; fi; \
	echo "setting up $(VENV) with $$python" >&2; \
	"$$python" -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-compile --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation \
		$(MEMBERS:%=-e %)
	@touch $@

demo: $(READY) ## 38 members, one relay, 20 exercise notices, three cheats caught (KEEP=1 leaves the relay running)
	@$(SCRIPT) demo.run $(if $(filter-out 0,$(KEEP)),--keep)

test: $(READY) ## every test; names each that is skipped for want of a tool
	@$(PY) -m pytest -n 2 --dist loadscope $(ARGS)

check: $(READY) ## ruff, mypy strict, import contracts
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo

bench: $(READY) ## measure beside alternatives and rewrite the tables of docs/PERFORMANCE.md (ONLY=sealing for one)
	@$(SCRIPT) benchmarks.run $(ONLY)

bench-screening: $(READY) ## the matcher of names on labelled pairs (ENVOI_SCREENING_PAIRS=FILE.csv)
	@$(SCRIPT) benchmarks.screening $(ARGS)

fuzz: $(READY) ## the property tests with a large budget (FUZZ_EXAMPLES=20000 for each)
	@ENVOI_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PY) -m pytest -n 2 --dist loadscope --hypothesis-profile=fuzz --timeout=0 \
		-m hypothesis $(ARGS)

soak: $(READY) ## the fault and lying-relay tests over and over (SOAK_MINUTES=10)
	@end=$$(( $$(date +%s) + $(SOAK_MINUTES) * 60 )); rounds=0; \
	while [ $$(date +%s) -lt $$end ]; do \
		ENVOI_SOAK_SECONDS=60 $(PY) -m pytest -q -n 2 --dist loadscope tests/faults tests/simulator $(ARGS) || exit 1; \
		rounds=$$((rounds + 1)); echo "soak: $$rounds rounds passed"; done

fmt: $(READY) ## format the code and sort its imports
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format --quiet .

lock: $(READY) ## resolve requirements.lock anew (hashes, no host, no path)
	@$(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-annotate --no-header $(MEMBERS:%=--no-emit-package envoi-%) \
		-o requirements.lock requirements-dev.in

clean: ## remove the environment, caches and everything built
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis \
		tests/conformance/node_modules
	find $(MEMBERS) tests benchmarks demo -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
