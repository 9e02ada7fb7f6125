# Everything runs in .venv, which is made on the first call. Nothing asks a question.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   := demo
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= read judge state

.PHONY: help demo test lint bench faults fuzz lab app clean gl chromium

help:
	@echo "make demo   generate sample models, process them, show what came out"
	@echo "make test   lint and every test"
	@echo "make lab    JupyterLab on the first notebook"
	@echo "make app    the dashboard as an application in the browser"
	@echo "make lint   ruff, mypy, import-linter"
	@echo "make bench  how long things take on this machine"
	@echo "make faults every write, sync, rename and commit of a run hit by a kill or an error"
	@echo "make fuzz   broken files for FUZZ_SECONDS (60) each, to the reader, the checks and the queue's file"
	@echo "make clean  remove everything that was made here"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "stlkit needs Python 3.11 or newer; name one with PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { $(call apt,python3-venv) && $(PYTHON) -m venv --clear $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(VENV)/installed: pyproject.toml | $(BIN)/python
	@echo "installing stlkit"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-lab: $(VENV)/installed
	@echo "installing what the notebooks need"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[lab]'
	@touch $@

$(VENV)/installed-app: $(VENV)/installed
	@echo "installing what the application needs"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[app]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "installing what the tests need"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# $(call apt,packages): install Debian packages where that is possible without a question
apt = command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1) >/dev/null \
  || { echo "please install: $(1)"; false; }

gl: | $(BIN)/python
	@$(BIN)/python -c 'import ctypes; [ctypes.CDLL(n) for n in ("libEGL.so.1", "libGL.so.1")]' 2>/dev/null \
	  || [ "$$(uname)" != Linux ] || { echo "installing the OpenGL library"; $(call apt,libegl1 libgl1 libgl1-mesa-dri); }

# The tests that need it are skipped where it is missing, but on a CI machine they fail.
chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
	  || { echo "installing a browser for the tests"; $(call apt,chromium fonts-dejavu-core); } || [ "$$CI" != true ]

demo: $(VENV)/installed gl
	@rm -rf $(DEMO)
	@$(BIN)/stlkit samples $(DEMO)/models
	@echo
	@$(BIN)/stlkit run $(DEMO)/models --output $(DEMO)/listings --home $(DEMO)/home \
	  --template complete_processing --option width=960 --option height=540 --option video_duration=3 \
	  || [ $$? = 1 ]  # some of the samples are damaged beyond use, and said to be
	@echo
	@echo "what came out, with one model in full:"
	@cd $(DEMO) && { find listings -maxdepth 1; find listings/gear listings/failed -mindepth 1; } \
	  | LC_ALL=C sort -u | sed -e 's|[^/]*/|  |g'
	@echo
	@echo "pictures: $(DEMO)/listings/*/renders/   reasons of failures: $(DEMO)/listings/failed/*.log"
	@echo "again:    $(BIN)/stlkit history --home $(DEMO)/home"

test: $(VENV)/installed-dev gl chromium lint
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=widgets $(BIN)/lint-imports --no-cache

bench: $(VENV)/installed-dev gl
	@$(BIN)/python tests/benchmarks/run.py
	@$(BIN)/python tests/benchmarks/page.py

faults: $(VENV)/installed-dev
	@$(BIN)/python tests/faults/matrix.py

fuzz: $(VENV)/installed-dev
	@$(BIN)/python -c 'import atheris' 2>/dev/null \
	  || $(BIN)/pip install --quiet --disable-pip-version-check --only-binary :all: atheris 2>/dev/null \
	  || echo "atheris has no wheel for this machine; mutations are drawn at random instead"
	@for target in $(FUZZ_TARGETS); do \
	  $(BIN)/python tests/fuzz/run.py --target $$target --seconds $(FUZZ_SECONDS) || exit 1; done

lab: $(VENV)/installed-lab gl
	@$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/01_quickstart.ipynb

app: $(VENV)/installed-app gl
	@$(BIN)/voila --show_tracebacks=True notebooks/app.ipynb

clean:
	rm -rf $(VENV) $(DEMO) out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
	  tests/browser/artefacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
