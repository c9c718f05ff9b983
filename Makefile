# SPDX-License-Identifier: Apache-2.0
# The words people type; Meson and ninja do the work. Missing Debian packages are installed first
# (as root or with sudo), so that a bare Debian 12 needs no other step.
BUILD   ?= build
PREFIX  ?= /usr/local
MESON   ?= /usr/bin/meson
NINJA   ?= /usr/bin/ninja
PYTHON  ?= /usr/bin/python3
PYTEST   = $(PYTHON) -m pytest -p no:cacheprovider -q
export PYTHONDONTWRITEBYTECODE = 1
export LAYERPIPE = $(abspath $(BUILD)/layerpipe)

all: build

deps:
	@tools/install-deps build test demo lint

deps-%:
	@tools/install-deps $*

$(BUILD)/build.ninja: | deps-build
	$(MESON) setup $(BUILD) --prefix=$(PREFIX)

build: deps-build $(BUILD)/build.ninja
	$(NINJA) -C $(BUILD) --quiet

demo: deps-build deps-demo build
	tools/demo $(BUILD)/layerpipe

# The cmocka units come into an existing build directory once their library is there.
test: deps-build deps-test build
	@$(MESON) introspect $(BUILD) --tests | grep -q '"name"' || $(MESON) setup --reconfigure $(BUILD)
	$(NINJA) -C $(BUILD) --quiet
	$(MESON) test -C $(BUILD) --no-rebuild --print-errorlogs
	$(PYTEST) tests

check-all: deps
	.ci/run

lint: deps-build deps-lint build
	tools/lint $(BUILD)

bench: deps-build build
	$(PYTHON) bench/run.py

install: build
	$(MESON) install -C $(BUILD) --no-rebuild

uninstall:
	$(NINJA) -C $(BUILD) uninstall

clean:
	rm -rf $(BUILD)

.NOTPARALLEL:
.PHONY: all deps build demo test check-all lint bench install uninstall clean
