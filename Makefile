# Every target does its own set-up in .venv. `make` alone lists them.
SHELL := /bin/sh
BIN := .venv/bin
INSTALLED := .venv/.installed
export RASA_TELEMETRY_ENABLED := false
export PYTHONPATH := $(CURDIR)
export SQLALCHEMY_SILENCE_UBER_WARNING := 1
export TF_CPP_MIN_LOG_LEVEL := 3

.DEFAULT_GOAL := help
.PHONY: help install run train interactive shell neo4j test unit lint bench bench-nlu new-connector backup restore lock clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 16

$(INSTALLED): requirements.lock tools/uv.lock
	@python=$$(tools/find-python.sh) && echo "installing into .venv with $$python …" && \
	    "$$python" -m venv .venv && \
	    $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r tools/uv.lock && \
	    $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

install: $(INSTALLED)  ## install everything into .venv

run: $(INSTALLED)  ## start the demo shop: storefront, assistant and action server
	@QUDAO_DEMO=$${QUDAO_DEMO-1} $(BIN)/python -m runtime.up

train: $(INSTALLED)  ## train the assistant if what it is made of has changed
	@$(BIN)/python -m runtime.train

interactive: $(INSTALLED)  ## rasa interactive, with our components and the action server up
	@QUDAO_DEMO=$${QUDAO_DEMO-1} $(BIN)/python -m runtime.with_actions interactive

shell: $(INSTALLED)  ## talk to the assistant in the terminal
	@QUDAO_DEMO=$${QUDAO_DEMO-1} $(BIN)/python -m runtime.with_actions shell

neo4j: $(INSTALLED)  ## start a Neo4j of our own on loopback (Java 17 and Maven needed)
	@$(BIN)/python -m kg.neo4j_server

test: lint train  ## lint and every test
	@QUDAO_DEMO=1 $(BIN)/python -m pytest -q -n 2 --dist loadgroup --durations 20 tests

unit: $(INSTALLED)  ## the fast tests alone
	@QUDAO_DEMO=1 $(BIN)/python -m pytest -q -n 2 --dist loadgroup tests -m "not slow"

lint: $(INSTALLED)  ## ruff and the direction of imports
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q .
	@found=$$($(BIN)/lint-imports --no-cache) || { echo "$$found"; exit 1; }; echo "$$found" | tail -n 2

bench: $(INSTALLED) train  ## measure the assistant beside stock Rasa, the graph, customer data, the channels
	@QUDAO_DEMO=1 $(BIN)/python -m bench

new-connector: $(INSTALLED)  ## a new vendor's channel, with its tests: NAME=acme
	@$(BIN)/python tools/new_connector.py "$(NAME)"

bench-nlu: $(INSTALLED)  ## the intent classifier beside stock Rasa: DATA=folder [OOS=label] [EPOCHS=100]
	@$(BIN)/python -m bench.intents --data $(DATA) --oos $(or $(OOS),oos) --epochs $(or $(EPOCHS),100)

backup: $(INSTALLED)  ## everything in var/ and the database into one archive [FILE=…]
	@QUDAO_DEMO=$${QUDAO_DEMO-1} $(BIN)/python -m cdp.backup backup $(FILE)

restore: $(INSTALLED)  ## put an archive back: FILE=… [REPLACE=1]
	@QUDAO_DEMO=$${QUDAO_DEMO-1} $(BIN)/python -m cdp.backup restore $(FILE) $(if $(REPLACE),--replace)

lock: $(INSTALLED)  ## write requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile --python-version 3.10 --extra dev --generate-hashes --no-emit-index-url \
	    --no-header -q pyproject.toml -o requirements.lock

clean:  ## remove .venv, models and all run-time state
	rm -rf .venv models var .rasa .hypothesis .pytest_cache .ruff_cache
