# Everything a person or CI runs. `make` alone lists the targets. Needs python3 (>= 3.11), pip, git and make.
SHELL := /bin/bash
UV_VERSION := 0.13.9
UV := .tools/bin/uv
PY := .venv/bin/python
# A file's tests stay in one process: they share what is costly to make.
PYTEST := $(PY) -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile
export UV_PYTHON_DOWNLOADS := never
export UV_NO_CONFIG := 1

.PHONY: help setup demo test check format bench proof proof-release lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV):
	python3 -m pip install --quiet --disable-pip-version-check --target .tools "uv==$(UV_VERSION)"

.venv/.ready: requirements/dev.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python python3 .venv
	$(UV) pip sync --quiet --python $(PY) --require-hashes requirements/dev.txt
	$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/.ready ## make the virtual environment from the locked, hashed requirements

demo: setup ## run the main job on loopback: terminals, gateway, host, every fault, a live board
	.venv/bin/yuanlu demo

test: setup ## run every test
	$(PYTEST)

check: setup ## format, lint, types, import contracts and tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTEST)

format: setup ## put the source into its canonical form
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: setup ## measure, print a table, write var/bench/results.json
	$(PY) -m bench

proof: setup ## worlds, crash points, power cuts, schedules, kills, guards: what `docs/proof.md` promises on every push
	$(PY) -m proof all

proof-release: setup ## the same, hours of it, into docs/proof.md; goes on where it was stopped; LEVELS="L0 L2" for some
	$(PY) -m proof all --release --write docs/proof.md $(if $(LEVELS),--only $(LEVELS))

lock: | $(UV) ## resolve the dependencies anew into requirements/*.txt
	$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --universal --python-version 3.11 \
	  pyproject.toml -o requirements/run.txt
	$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --universal --python-version 3.11 \
	  --extra dev requirements/build.in pyproject.toml -o requirements/dev.txt

clean: ## remove what the targets above made
	rm -rf .venv .tools var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
