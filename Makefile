# `make demo` and `make test` set up all that they need in .venv; only Python (3.11 or later) and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEDIA ?= $(or $(GLASSWATCH_MEDIA),media)
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := help

.PHONY: help
help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "glasswatch needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: setup
setup: $(STAMP)  ## Create .venv from the lock file

.PHONY: demo
demo: $(STAMP)  ## Inspect a sample title with known defects
	@$(BIN)/python -m samples.demo build/demo

.PHONY: check
check: $(STAMP)  ## Lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: check  ## Everything that must hold: check, then all tests
	$(BIN)/pytest -n 2 --dist loadgroup

.PHONY: test-faults
test-faults: $(STAMP)  ## Kill every kind of process in the middle of a title, 20 runs in ten minutes
	GLASSWATCH_FAULT_RUNS=20 $(BIN)/pytest tests/e2e/test_faults.py

.PHONY: bench-accuracy
bench-accuracy: $(STAMP)  ## Recall, edges and false alarms beside FFmpeg; MEDIA=folder with manifest.tsv
	$(BIN)/python -m bench.accuracy --media $(MEDIA) --out build/bench/accuracy.json --markdown build/bench/accuracy.md

.PHONY: bench-block
bench-block: $(STAMP)  ## Block corruption by picture and by event, and its cost; MEDIA=folder with manifest.tsv
	$(BIN)/python -m bench.block --media $(MEDIA) --out build/bench/block.json --markdown build/bench/block.md

.PHONY: bench-audio
bench-audio: $(STAMP)  ## Hum, hiss, distortion and clicks by second and by event, and their cost; MEDIA=folder with manifest.tsv
	$(BIN)/python -m bench.audio --media $(MEDIA) --out build/bench/audio.json --markdown build/bench/audio.md

.PHONY: bench-sync
bench-sync: $(STAMP)  ## Lip sync of people that were not learned from, and its cost; needs `glasswatch models build`; MEDIA=folder with manifest.tsv
	$(BIN)/python -m bench.sync --media $(MEDIA) --out build/bench/sync.json --markdown build/bench/sync.md

.PHONY: bench-speed
bench-speed: $(STAMP)  ## Cost beside decoding alone and beside FFmpeg; MEDIA=folder with manifest.tsv
	$(BIN)/python -m bench.speed --media $(MEDIA) --out build/bench/speed.json --markdown build/bench/speed.md

.PHONY: bench-cluster
bench-cluster: $(STAMP)  ## Cost, capacity and latency of each topology on this machine; MEDIA=folder with manifest.tsv
	$(BIN)/python -m bench.cluster --media $(MEDIA) --out build/bench/cluster.json --markdown build/bench/cluster.md

TRAIN := .venv-train
$(TRAIN)/.ready: requirements/train.txt pyproject.toml
	$(PYTHON) -m venv $(TRAIN)
	$(TRAIN)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/train.txt
	$(TRAIN)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

.PHONY: train-block
train-block: $(TRAIN)/.ready  ## Train block_corruption, an hour on two cores; MEDIA=folder with manifest.tsv
	$(TRAIN)/bin/python -m training.block_corruption prepare --media $(MEDIA)
	$(TRAIN)/bin/python -m training.block_corruption fit
	$(TRAIN)/bin/python -m training.block_corruption export
	$(TRAIN)/bin/python -m training.block_corruption curves

.PHONY: train-audio
train-audio: $(TRAIN)/.ready  ## Train audio_artifacts, an hour on two cores; MEDIA=folder with manifest.tsv
	$(TRAIN)/bin/glasswatch models build yamnet
	$(TRAIN)/bin/python -m training.audio_artifacts prepare --media $(MEDIA)
	$(TRAIN)/bin/python -m training.audio_artifacts fit
	$(TRAIN)/bin/python -m training.audio_artifacts export

.PHONY: train-sync
train-sync: $(TRAIN)/.ready  ## Train lip_sync, three quarters of an hour on two cores; MEDIA=folder with manifest.tsv
	$(TRAIN)/bin/glasswatch models build face_detection face_landmarks
	$(TRAIN)/bin/python -m training.lip_sync prepare --media $(MEDIA)
	$(TRAIN)/bin/python -m training.lip_sync fit
	$(TRAIN)/bin/python -m training.lip_sync calibrate
	$(TRAIN)/bin/python -m training.lip_sync export

.PHONY: proto
proto: $(STAMP)  ## Generate the protobuf code
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=services --pyi_out=services proto/glasswatch/v1/*.proto

COMPILE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header

.PHONY: lock
lock:  ## Renew the lock files from pyproject.toml
	$(COMPILE) pyproject.toml --extra cluster --extra models --group dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml -c requirements/dev.txt -o requirements/base.txt
	$(COMPILE) pyproject.toml --extra cluster -c requirements/dev.txt -o requirements/cluster.txt
	$(COMPILE) pyproject.toml --extra train -c requirements/dev.txt -o requirements/train.txt
	$(COMPILE) --group build -c requirements/dev.txt -o requirements/build.txt
