# A fresh machine needs Linux x86-64, make, and Python 3.11 or 3.12 with its venv module.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# What to change on the command line: make sweep SWEEP=mine, make test PYTEST_FLAGS='-k cluster'.
PYTHONS := python3.11 python3.12 python3
SWEEP := default
BOARD := arduino_nano_33_ble
PYTEST_FLAGS :=

SUITABLE := import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))

.DEFAULT_GOAL := help
.PHONY: help install sweep test faults lint clean

help: ## Lists what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Makes .venv with sprd and all that it needs, at the pinned versions

sweep: $(STAMP) ## Runs sweeps/default.toml and checks its winner against the board
	$(BIN)/sprd sweep sweeps/$(SWEEP).toml --out runs/$(SWEEP)
	@echo "Bundle: $(CURDIR)/runs/$(SWEEP)/bundle"
	$(BIN)/sprd check runs/$(SWEEP)/bundle/model.tflite --board $(BOARD)

test: lint ## Runs lint and the tests, without the faults
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_FLAGS)

faults: $(STAMP) ## Runs what needs root, several hosts or long faults: up to 40 minutes
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[faults,cluster,cloud]'
	$(BIN)/python tests/faults/table.py $(PYTEST_FLAGS)

lint: $(STAMP) ## Runs ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean: ## Removes .venv, caches and build output; keeps runs/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist sprd.egg-info
	find sprd tests docs benchmarks -name __pycache__ -type d -exec rm -rf {} +

# Made again when a dependency changes. A venv whose Python has gone is made from scratch.
$(STAMP): pyproject.toml constraints.txt
	@test "$$(uname -sm)" = "Linux x86_64" || { \
	  echo "make: needs Linux x86-64, got $$(uname -sm): tflite-micro has no other wheels." \
	    "Use the image: docker build --platform linux/amd64 -t sprd ." >&2; \
	  exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  for python in $(PYTHONS); do \
	    if "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then \
	      exec "$$python" -m venv --clear $(VENV); \
	    fi; \
	  done; \
	  echo "make: needs Python 3.11 or 3.12 with venv; none of these is: $(PYTHONS)." \
	    "On Debian 12: apt-get install python3 python3-venv." \
	    "Elsewhere: make install PYTHONS=/path/to/python3.11" >&2; \
	  exit 1; }
	$(BIN)/python -m pip install -c constraints.txt -e '.[synth,media,dev]'
	@touch $@
