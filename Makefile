# Every verb of the project. `make` lists them; CI runs `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The first that works: a stand-in of pyenv may lead nowhere, and a Python of Debian may lack venv.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11; do \
	$$name -c 'import ensurepip, venv' >/dev/null 2>&1 && echo $$name && break; done)
NO_PYTHON := no Python 3.11, 3.12 or 3.13 with venv was found; "apt install python3 python3-venv" (Debian, Ubuntu), \
	"dnf install python3.13" (Fedora) or "brew install python@3.13" (macOS) brings one, and "make PYTHON=/path/to/python" takes yours
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := models service training
CLIENTS := tests/service/clients
SERVERS := tests/object_store
DEMO := data/demo
DATA ?= $(DEMO)
QUALITY_PORT ?= 8001
PORT ?= 8000

.PHONY: audit scan chaos help setup tools demo test mutants check fmt lint type cov bench quality openapi lock docker clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(VENV)/.installed ## make the virtual environment with the pinned versions

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || [ "$(PYTHON)" ] || { echo '$(NO_PYTHON)' >&2; exit 1; }
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[service,training,s3,database,dask,otel,dev]'
	touch $@

# Where there is no node, the tests that need it skip.
tools: $(CLIENTS)/.venv/.installed $(SERVERS)/.venv/.installed $(if $(shell command -v npm),$(CLIENTS)/node_modules/.installed) ## install what generates clients, looks for faults in the page and serves S3

# Apart from the project's environment, like that of anybody who generates a client.
%/.venv/.installed: %/requirements.txt | $(VENV)/.installed
	$(BIN)/python -m venv --without-pip --clear $(@D)
	$(BIN)/python -m pip --python $(@D)/bin/python install --quiet --disable-pip-version-check -r $<
	touch $@

# `npm install --package-lock-only` there writes the lock anew; .npmrc keeps addresses out of it.
$(CLIENTS)/node_modules/.installed: $(addprefix $(CLIENTS)/,package.json package-lock.json .npmrc)
	cd $(CLIENTS) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

demo: setup ## make demo data, train, serve on http://127.0.0.1:8000
	$(BIN)/python -m training demo-data --out $(DEMO)
	$(BIN)/python -m training run --data $(DEMO) --set reranker.max_training_users=800
	$(BIN)/python -m service --port $(PORT)

test: check tools ## exactly what CI runs: lint, types, every test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

mutants: setup ## break the code on purpose, a line at a time: do the tests notice? (half an hour)
	$(BIN)/python -m tests.mutants

check: setup lint type ## lint and types

lint: setup ## ruff: style, docstrings, the dependency rule; deptry: what is imported is declared
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry models service training
	$(BIN)/deptry benchmarks tests --exclude '.*/(\.venv|node_modules)/' --ignore DEP002,DEP004

type: setup ## mypy, strict
	$(BIN)/mypy

chaos: setup tools ## try to break it: a million requests during swaps, a thousand kills, full disks, fuzzing (hours; docs/reliability.md)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	OSUSUME_TEST_CHAOS=full $(BIN)/python -m pytest tests/chaos -p no:cacheprovider -rP

audit: setup ## compare dependencies and images with known vulnerabilities (asks PyPI and npm; images: trivy or grype)
	$(VENV)/bin/python -m venv runs/audit && runs/audit/bin/python -m pip install --quiet pip-audit
	runs/audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip
	cd $(CLIENTS) && npm audit
	$(MAKE) --no-print-directory scan

# What the images hold besides Python's packages is Debian's. What nobody has mended yet is no news.
scan:
	@for image in osusume/service osusume/training; do \
		if command -v trivy >/dev/null; then trivy image --exit-code 1 --severity HIGH,CRITICAL --ignore-unfixed $$image; \
		elif command -v grype >/dev/null; then grype --fail-on high --only-fixed $$image; \
		else echo 'the images are not scanned: neither trivy nor grype is installed'; break; fi; \
	done

fmt: setup ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

cov: setup tools ## tests with a coverage report
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

bench: setup ## measure speed and memory at up to 1/10 of Kaggle's size; FULL=1: all of it, into docs/performance.md
	$(BIN)/python -m benchmarks all $(if $(FULL),--full)
	$(BIN)/python -m benchmarks report $(if $(FULL),,--to runs/bench/performance.md)

# The service here answers to this verb alone and ends with it.
quality: setup ## train on DATA, serve it without those who test, measure the answers over HTTP
	$(BIN)/python -m training run --data $(DATA) --work runs/quality --store runs/quality-store --no-compare
	$(BIN)/python -m training publish --work runs/quality --store runs/quality-store --hold-out
	$(BIN)/python -m service --store runs/quality-store --port $(QUALITY_PORT) & \
	served=$$!; trap 'kill $$served' EXIT; \
	$(BIN)/python -m benchmarks.quality --url http://127.0.0.1:$(QUALITY_PORT) --data $(DATA) --work runs/quality --wait 30

openapi: setup ## write docs/openapi.json
	$(BIN)/python -m service.openapi > docs/openapi.json

lock: setup ## write constraints.txt from what is installed
	{ echo "# Pinned versions of everything, for Python 3.11 to 3.13. \`make lock\` renews it. Names and versions only, no addresses."; \
	  $(BIN)/python -m pip list --format=freeze --exclude-editable --exclude atheris --exclude pip --exclude setuptools; } > constraints.txt

docker: ## build the images and start the service with compose
	docker compose up --build

clean: ## remove what was built and cached here; published bundles stay
	rm -rf $(VENV) $(CLIENTS)/.venv $(SERVERS)/.venv $(CLIENTS)/node_modules build dist *.egg-info data/demo runs .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +
