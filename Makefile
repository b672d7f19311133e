# Everything for a machine without ROS: x86-64 Linux with python3 (3.10 to 3.13), a C++ compiler, make.
# With a full ROS 2 installation use colcon instead; see README.md.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test soak lint clean check-machine

# The distribution of ROS 2: jazzy, or another that PyPI has wheels of, in an environment of its own.
ROS ?= jazzy
ifeq ($(filter jazzy kilted,$(ROS)),)
$(error ROS=$(ROS): the wheels are of jazzy and kilted)
endif
VENV := .venv$(if $(filter-out jazzy,$(ROS)),-$(ROS))
# What of the package goes there: for the node and the command line,
EXTRAS := ros-$(ROS),fast
# and for lint and the tests, of which beside Jazzy only those run that touch ROS.
EXTRAS_jazzy := ros-jazzy,fast,full,train,trajectory,video,rerun,ray,dev
EXTRAS_kilted := ros-kilted,fast,full,dev
ifneq ($(ROS),jazzy)
ARGS ?= $(shell grep -rlE --include='test_*.py' 'rclpy|node_bench|launch_files' test/*/)
endif
VENV_PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.setup-done
STAMP_EVERYTHING := $(VENV)/.setup-everything-done

# The interpreter to make the environment with. Unless given, an existing environment keeps its own.
PYTHON ?= $(shell $(VENV_PYTHON) -c 'import sys; print(sys._base_executable)' 2>/dev/null || echo python3)
PYTHON_VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)

# What to give pip for torch, which only lint and the tests bring; only used where the environment
# has no torch yet. A GPU needs the CUDA
# build that fits its driver: make the environment and install that build first
#   python3 -m venv .venv && .venv/bin/pip install torch --index-url https://download.pytorch.org/whl/cu128
# or name it here:
#   make test TORCH='torch --index-url https://download.pytorch.org/whl/cu128'
TORCH ?= torch==2.13.0

# How long to soak: long enough for 1.5 MB a minute to be found.
MINUTES ?= 20

# Seconds, not minutes, when nothing changed: set up again only when one of these did, or when the
# checkout moved or another Python was asked for.
SOURCES := setup.py pyproject.toml package.xml CMakeLists.txt \
  $(wildcard msg/*.msg) $(wildcard cmake/*) $(wildcard scripts/*)
SETUP_FOR := Python $(PYTHON_VERSION) in $(CURDIR)
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(SETUP_FOR))
.PHONY: $(STAMP)
endif
ifneq ($(shell cat $(STAMP_EVERYTHING) 2>/dev/null),$(SETUP_FOR))
.PHONY: $(STAMP_EVERYTHING)
endif

PIP := $(VENV_PYTHON) -m pip --disable-pip-version-check --quiet --quiet
# The wheels look ROS packages up here. Only this machine's processes are to be heard and seen.
ROS_ENV := AMENT_PREFIX_PATH="$(CURDIR)/$(VENV)" ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST

help:
	@echo 'make setup   virtual environment $(VENV): ROS 2 wheels, this package (editable)'
	@echo 'make demo    play a clip through the node, and show what it masks; INPUT=path: your own clip; DEPTH=1: a depth camera too'
	@echo 'make test    the tests; ARGS="-k words": some of them'
	@echo 'make soak    $(MINUTES) minutes of clips through the node: does anything grow? MINUTES=5: fewer'
	@echo 'make lint    ruff, mypy, which module may import which, whether the README has the measured numbers'
	@echo 'make clean   remove what was built, the environment too'
	@echo
	@echo 'PYTHON=python3.12 chooses the interpreter; TORCH="..." what pip installs for torch'
	@echo 'ROS=kilted: ROS 2 Kilted in place of Jazzy, in .venv-kilted; its `make test` runs the tests that touch ROS'

check-machine:
	@if [ "$$(uname -s)-$$(uname -m)" != Linux-x86_64 ]; then \
	  echo "make: this is $$(uname -s) on $$(uname -m); the ROS 2 wheels exist for x86-64 Linux only." >&2; \
	  echo "Use a full ROS 2 installation and colcon here: README.md." >&2; exit 1; fi
	@if [ -z "$(PYTHON_VERSION)" ]; then \
	  echo "make: '$(PYTHON)' does not run. Install Python 3.10 to 3.13 (sudo apt install python3 python3-venv python3-dev), or name one: make setup PYTHON=python3.12" >&2; exit 1; fi
	@case "$(PYTHON_VERSION)" in 3.10|3.11|3.12|3.13) ;; *) \
	  echo "make: $(PYTHON) is Python $(PYTHON_VERSION); the ROS 2 wheels need 3.10 to 3.13. Name one: make setup PYTHON=python3.12" >&2; exit 1;; esac
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) cannot make virtual environments: sudo apt install python$(PYTHON_VERSION)-venv" >&2; exit 1; }
	@"$(PYTHON)" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || { \
	  echo "make: Python.h of $(PYTHON) is missing, the messages cannot be compiled: sudo apt install python$(PYTHON_VERSION)-dev" >&2; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || { \
	  echo "make: no C++ compiler, the messages cannot be compiled: sudo apt install g++" >&2; exit 1; }

setup: $(STAMP)
	@echo 'Set up: $(SETUP_FOR)'

# $(1): extras of the package.
define INSTALL
	@if [ -e $(STAMP) ] && [ "$$(cat $(STAMP))" != "$(SETUP_FOR)" ]; then \
	  echo "Removing the environment made for: $$(cat $(STAMP))"; rm -rf $(VENV); fi
	@if [ ! -x $(VENV_PYTHON) ]; then \
	  echo 'Making $(VENV) with Python $(PYTHON_VERSION)'; "$(PYTHON)" -m venv $(VENV); fi
	@if [ '$(1)' != '$(EXTRAS)' ] && ! $(VENV_PYTHON) -c 'import torch' 2>/dev/null; then \
	  echo 'Installing $(TORCH)'; $(PIP) install $(TORCH); fi
	@echo 'Building the messages, installing the ROS 2 wheels and this package (a minute or two)'
	@MOTION_SEG_ROS_DISTRO=$(ROS) $(PIP) install --editable '.[$(1)]'
	@$(ROS_ENV) $(VENV_PYTHON) -c 'import motion_seg_ros.msg, rclpy'
	@echo '$(SETUP_FOR)' > $(STAMP)
endef

$(STAMP): $(SOURCES) | check-machine
	$(call INSTALL,$(EXTRAS))

$(STAMP_EVERYTHING): $(SOURCES) | check-machine
	$(call INSTALL,$(EXTRAS_$(ROS)))
	@echo '$(SETUP_FOR)' > $@

demo: $(STAMP)
	@$(ROS_ENV) $(VENV)/bin/motion_seg demo $(if $(INPUT),"$(INPUT)") $(if $(filter-out 0,$(DEPTH)),--depth)

# A domain of its own, so that two runs on one machine do not hear each other.
test: $(STAMP_EVERYTHING)
	@$(ROS_ENV) ROS_DOMAIN_ID=$${ROS_DOMAIN_ID:-$$(( $$$$ % 90 + 10 ))} ROS_LOG_DIR="$(CURDIR)/build/ros_log" \
	  $(VENV_PYTHON) -m pytest $(ARGS)

soak: $(STAMP)
	@$(ROS_ENV) $(VENV)/bin/motion_seg benchmark --soak $(MINUTES)

lint: $(STAMP_EVERYTHING)
	@echo 'ruff check'; $(VENV_PYTHON) -m ruff check .
	@echo 'ruff format --check'; $(VENV_PYTHON) -m ruff format --check .
	@echo 'mypy'; $(VENV_PYTHON) -m mypy
	@echo 'figures'; $(VENV_PYTHON) docs/figures.py check
	@echo 'layering'; $(ROS_ENV) $(VENV_PYTHON) -m pytest -q test/test_layering.py

clean:
	rm -rf .venv .venv-kilted build install log demo *.egg-info .pytest_cache .ruff_cache .mypy_cache
	rm -rf motion_seg_ros/msg motion_seg_ros/*.so
	find motion_seg_ros test -name __pycache__ -type d -prune -exec rm -rf {} +
