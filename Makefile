# Farfill. `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help setup train app test test-all test-slurm lint format docs evaluate benchmark clean
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready  ## Make .venv and install Farfill into it (nothing when up to date)

.venv/.ready: pyproject.toml constraints.txt
	@echo "Setting up .venv (a few minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
	@echo "Ready: .venv"

train: setup  ## Train on the embedded photographs, about five minutes (ARGS="batch_size=4 ..." changes it)
	@echo "Training: python src/train.py $(ARGS)"
	@$(BIN)/python src/train.py $(ARGS)

app: setup  ## Serve a page with a brush: make app ARGS="--ckpt last", then open what it says
	@$(BIN)/farfill-app $(ARGS)

evaluate: setup  ## Score a checkpoint: make evaluate ARGS="ckpt_path=runs/.../checkpoints/best.ckpt"
	@$(BIN)/python src/evaluate.py $(ARGS)

benchmark: setup  ## Measure against plain implementations (ten minutes; ARGS="attention" for a part)
	@$(BIN)/python benchmarks/run.py $(ARGS)

test: setup  ## Run the tests (minutes)
	@echo "Testing: pytest -m 'not slow'"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 -m "not slow" $(ARGS)

test-all: setup  ## Run all tests, the slow ones too
	@$(BIN)/python -m pytest -q $(ARGS)

test-slurm: setup  ## Test sweeps on a real SLURM that is started for it (root installs its packages)
	@if [ "$$(id -u)" = 0 ] && [ ! -x /usr/sbin/slurmd ] && command -v apt-get >/dev/null; then \
	  echo "Installing slurm-wlm and munge ..."; apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y slurm-wlm munge >/dev/null; fi
	@$(BIN)/python tests/helpers/slurm.py true
	@echo "Testing: pytest tests/slurm"
	@$(BIN)/python -m pytest -q tests/slurm $(ARGS)

lint: setup  ## Check style, types and layers; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## Build the documentation in build/docs; ARGS=farfill.onnx is what its brush fills with
	@$(BIN)/zensical build --clean --strict
	@$(BIN)/python docs/brush/build.py $(ARGS)
	@echo "Documentation: build/docs/index.html"

clean:  ## Remove .venv and caches; runs/ stays
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
