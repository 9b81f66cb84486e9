# Everything runs from the virtual environment .venv, which `make setup` builds. Only Python, Node and make are needed.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
REQUIREMENTS := lambda/requirements.txt requirements.txt requirements-dev.txt constraints.txt requirements-emulator.txt
SOURCES := lambda/pull_doctor infra app.py demo benchmarks tests
UNPACK_REGISTRY := tests/facts/registry/unpack.sh
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup registry demo test test-all compare-policies bench check synth docs clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

setup: $(STAMP) ## build .venv with everything that the other targets need

$(STAMP): $(REQUIREMENTS) pyproject.toml $(UNPACK_REGISTRY)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; PYTHON=... names another one. This is " + sys.version.split()[0])'
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || { echo "Node 20 or newer is needed on the PATH" >&2; exit 1; }
	@echo "setup 1/5  virtual environment .venv"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv
	@echo "setup 2/5  what the function ships with"
	@$(BIN)/python $(PIP_INSTALL) --require-hashes --requirement lambda/requirements.txt
	@echo "setup 3/5  command line, deployment, tests and checks"
	@$(BIN)/python $(PIP_INSTALL) --requirement requirements.txt --requirement requirements-dev.txt
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@echo "setup 4/5  the emulated AWS"
	@.venv/ministack/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv/ministack
	@.venv/ministack/bin/python $(PIP_INSTALL) --requirement requirements-emulator.txt
	@echo "setup 5/5  a real registry"
	@sh $(UNPACK_REGISTRY) || true
	@touch $@

registry: ## unpack Debian's docker-registry into .venv, where make setup could not
	@sh $(UNPACK_REGISTRY)

demo: setup ## play one incident in an emulated AWS, from first failure to end (WORLD=... picks another)
	@$(BIN)/python -m demo $(WORLD)

test: setup ## the fast tests
	@$(BIN)/python -m pytest -q -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-all: setup ## every test: storms, fault matrices and sizes too
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

compare-policies: setup ## compare the evaluation of policies with an independent evaluator's
	@$(BIN)/python -m pytest -q tests/policy/compare

bench: setup ## how long paths take in a very large VPC, and a diagnosis when AWS answers late
	@$(BIN)/python -m benchmarks

check: setup ## what continuous integration runs: format, lint, types, tests
	@echo "check 1/4  format"
	@$(BIN)/ruff format --quiet --check $(SOURCES)
	@echo "check 2/4  lint"
	@$(BIN)/ruff check --quiet $(SOURCES)
	@echo "check 3/4  types"
	@$(BIN)/mypy --no-error-summary
	@echo "check 4/4  tests"
	@$(MAKE) --no-print-directory test

synth: setup ## write the CloudFormation template to cdk.out
	@$(BIN)/python app.py

docs: setup ## generate docs/causes.md
	@$(BIN)/pull-doctor causes --format markdown > docs/causes.md

clean: ## remove what was built; .venv stays
	@rm -rf build cdk.out .mypy_cache .pytest_cache .ruff_cache .hypothesis
