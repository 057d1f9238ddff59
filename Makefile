# Everything a newcomer needs: `make demo` shows the product, `make test` proves it. `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Two test processes of one thread each fill two cores; torch's own threads would only fight over them.
JOBS   ?= 2
export OMP_NUM_THREADS ?= 1
# The suite makes a million small files and takes them away again, which a busy disk makes wait for: 105 tests took 880 s
# on one, and 105 s in memory. Where there are 4 GB for them they lie there.
SHM := $(shell test -w /dev/shm && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 4194304 { print "/dev/shm" }')
export PYTEST_DEBUG_TEMPROOT ?= $(SHM)

.DEFAULT_GOAL := help
.PHONY: help setup test coverage lint axe demo bench trackers integrations gallery cases clean

help:  ## a line per target
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## make .venv and install everything into it

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "runaudit needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt \
	  --editable '.[dev]'
	@# pip compiles on one core: 170 s with it, 125 s so. A few packages carry files of another Python.
	@$(BIN)/python -m compileall -q -j $(JOBS) $(VENV)/lib > /dev/null 2>&1 || true
	@touch $(STAMP)

# What wants a process that has done little before. The crash tests fork for every step on the disk, and a process that has
# imported the whole suite forks ten times slower. A run that is recorded in the process of the tests tells every module
# that this one holds: 91 tests took 964 s late in a worker, and 60 in one of their own. Neither bears the other: the runs
# took 0.4 s each by themselves, and 17 s between the crash tests.
CRASH = tests/store/test_crash.py tests/store/test_life.py
FRESH = tests/capture/test_recorder.py tests/capture/test_full_disk.py
REST = $(CRASH:%=--ignore=%) $(FRESH:%=--ignore=%)

test: setup  ## run the whole suite
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(CRASH)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(FRESH)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(REST)

# Per cent of the lines that the whole suite covers, 95.4 when it was measured. What runs in child processes is not
# followed.
FLOOR = 95

coverage: setup  ## the suite with line coverage, which must not sink below its floor (half as long again)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(CRASH) --cov --cov-report=
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(FRESH) --cov --cov-append --cov-report=
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(REST) --cov --cov-append --cov-report=term \
	  --cov-fail-under=$(FLOOR)

lint: setup  ## ruff and mypy --strict
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# What the pages are held against in a browser (tests/browser). Only the tests use it; without it they skip, and say so.
AXE = axe-core@4.14.1

axe: .npm/$(AXE)  ## get axe-core by npm, for the tests that open pages in a browser

.npm/$(AXE):
	npm install --no-save --no-audit --no-fund --no-package-lock --ignore-scripts --prefix .npm $(AXE)
	@touch $@

demo: setup  ## three arms of three seeds on real photographs, judged, one page (QUICK=1: 5 % of the data, 4 CPU minutes)
	@$(BIN)/python examples/piunet_stages/demo.py $(if $(QUICK),--quick) $(if $(WAIVE),--waive "$(WAIVE)")

bench: setup  ## measure what the README and the issues put a number on, side by side with peers
	@for script in examples/bench/*_bench.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

trackers: setup  ## run the real trackers at toy size and compare what is read (TRACKERS=a Python that has them)
	@$(BIN)/python examples/trackers/make_records.py $(if $(TRACKERS),--python "$(TRACKERS)") $(if $(UPDATE),--update)
	@$(BIN)/python examples/trackers/collect_runs.py $(if $(TRACKERS),--python "$(TRACKERS)") $(if $(UPDATE),--update)

integrations: setup  ## train with the real Lightning, Transformers and Hydra and check what is sealed (TRACKERS=…)
	@$(BIN)/python examples/integrations/check.py $(if $(TRACKERS),--python "$(TRACKERS)")

gallery: setup  ## pages on three programs of other fields, an index of all pages, README pictures (PICTURES=1, needs Chromium)
	@$(BIN)/python examples/gallery/make.py $(if $(PICTURES),--pictures)

cases: setup  ## the case studies: what a project's notes claimed, run and judged (PICTURES=1, needs Chromium)
	@$(BIN)/python examples/cases/make.py $(if $(PICTURES),--pictures) $(if $(TRACKERS),--python "$(TRACKERS)")

clean:  ## remove what make made (records and demo output stay)
	rm -rf $(VENV) .npm build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
