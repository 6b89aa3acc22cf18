# Everything runs in .venv, which is made from Python 3.11 or later, pip and the package registry alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
JOBS ?= 2
SECONDS ?= 3600

.PHONY: demo test check bench fuzz soak coverage train schema clean

demo: $(STAMP)  ## guard a small chat app, play a conversation, show the decisions (ARGS=--once ends after that)
	$(BIN)/python -m examples.demo $(ARGS)

test: $(STAMP) check  ## what CI runs
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal $(ARGS)

check: $(STAMP)  ## style, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)  ## medians and ratios against unguarded, into bench/results/
	$(BIN)/python -m bench $(ARGS)

fuzz: $(STAMP)  ## 100,000 hostile requests against every door; prints counts and seed
	$(BIN)/python -m tests.fuzz $(ARGS)

soak: $(STAMP)  ## the laws of streams for as long as you like: make soak SECONDS=3600; prints cases, cuts and seed
	$(BIN)/python -m tests.soak --seconds $(SECONDS) $(ARGS)

coverage: $(STAMP)  ## what becomes of every string of every wire format
	$(BIN)/python -m tests.wires.matrix > docs/coverage.md.new && mv docs/coverage.md.new docs/coverage.md

train: $(STAMP)  ## make the shipped models again (hours on two cores), then their card: make train DATA=folder
	@test -n "$(DATA)" -a -f "$(DATA)/moderation.jsonl.gz" || \
	  { echo "make train: no training data. Name its folder: make train DATA=folder (moderation.jsonl.gz and others)" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --group train
	$(BIN)/python -m training.train --data $(DATA)
	$(BIN)/python -m training.card --data $(DATA)

schema: $(STAMP)  ## the JSON Schema of policies, for editors
	$(BIN)/python -m guardrail.policy.schema > docs/policy.schema.json

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[gateway,local]" --group dev
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
