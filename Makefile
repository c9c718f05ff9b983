# SPDX-License-Identifier: Apache-2.0
# The words people type; Meson and ninja do the work. Missing Debian packages are installed first
# (as root or with sudo), so that a bare Debian 12 needs no other step.
BUILD   ?= build
PREFIX  ?= /usr/local
MESON   ?= /usr/bin/meson
NINJA   ?= /usr/bin/ninja
PYTHON  ?= /usr/bin/python3
# Most tests wait for a server, or for a pause to end, more than they compute.
TESTS_AT_ONCE ?= $(shell expr 4 '*' $$(nproc))
PYTEST   = $(PYTHON) -m pytest -p no:cacheprovider -q -n $(TESTS_AT_ONCE)
# Arguments for pytest: make test PYTEST_ARGS='-k layout'
PYTEST_ARGS ?=
export PYTHONDONTWRITEBYTECODE = 1
export LAYERPIPE = $(abspath $(BUILD)/layerpipe)

all: build

deps:
	@tools/install-deps build test demo lint

# deps-build-test: of several purposes, so that whoever has to ask for packages asks once.
deps-%:
	@tools/install-deps $(subst -, ,$*)

$(BUILD)/build.ninja: | deps-build
	@said=$$($(MESON) setup $(BUILD) --prefix=$(PREFIX) 2>&1) || { echo "$$said"; exit 1; }

build: deps-build $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD) --quiet

demo: deps-build-demo build
	@tools/demo $(BUILD)/layerpipe

# A build directory made without cmocka has no units yet.
$(BUILD)/units.stamp: | deps-test $(BUILD)/build.ninja
	@$(MESON) configure $(BUILD) -Dunits=enabled >/dev/null && $(NINJA) -C $(BUILD) --quiet build.ninja >/dev/null && touch $@

test: deps-build-test $(BUILD)/units.stamp build
	$(MESON) test -C $(BUILD) --no-rebuild --print-errorlogs
	$(PYTEST) tests $(PYTEST_ARGS)

# The tests that take long or much memory: no more at a time than there are processors.
test-slow: deps-build-test $(BUILD)/units.stamp build
	$(PYTEST) -n auto tests -m slow $(PYTEST_ARGS)

check-all: deps
	.ci/run

lint: deps-build-lint build
	tools/lint $(BUILD)

# Arguments for bench/run.py: make bench BENCH_ARGS='--only engine --runs 3'
BENCH_ARGS ?=

bench: deps-build deps-bench build
	@$(NINJA) -C $(BUILD) --quiet bench/launch bench/engine_limit bench/engine_model
	$(PYTHON) bench/run.py --layerpipe $(abspath $(BUILD)/layerpipe) $(BENCH_ARGS)

installed_variable = "$$(pkg-config --variable=$(1) $(BUILD)/meson-private/layerpipe.pc)"

# A prefix that is named is used even where the build directory was made with another one.
install: build
ifneq ($(origin PREFIX),file)
	@$(MESON) configure $(BUILD) --prefix=$(PREFIX) && $(NINJA) -C $(BUILD) --quiet
endif
	@$(MESON) install -C $(BUILD) --no-rebuild --quiet $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))
	@echo "Installed command, library, headers and manual pages under $(DESTDIR)"$(call installed_variable,prefix)
	@$(if $(DESTDIR),:,tools/after_install $(call installed_variable,libdir))

uninstall:
	$(NINJA) -C $(BUILD) uninstall
	@tools/after_install

# In bare Debian 12 and 13, made for that: needs root, the network and debootstrap.
check-install: check-install-12 check-install-13

check-install-%:
	tools/check_install $*

# One file without shared libraries, with musl. The libraries are built from Debian's source packages, which
# are fetched once; with STATIC_ARGS=--update again.
STATIC_BUILD ?= build-static
STATIC_ARGS  ?=

static: deps-build-static
	packaging/static/build_command $(STATIC_ARGS) amd64 $(STATIC_BUILD)

# The same for arm64, cross-compiled, of the same sources.
static-arm64: deps-build-static-arm64
	LAYERPIPE_STATIC_SOURCES=$(abspath $(STATIC_BUILD))/sources packaging/static/build_command $(STATIC_ARGS) arm64 $(STATIC_BUILD)-arm64

# The committed tree.
deb: deps-build-deb
	tools/make_deb build-deb

# The static command makes an image of itself: make image IMAGE=registry.example/layerpipe:0.1
IMAGE ?= oci:build-image:layerpipe

image: static
	@LAYERPIPE= tools/make_image $(STATIC_BUILD)/layerpipe $(IMAGE)

# The packages and the static command in bare Debian 12 and 13: needs root, the network and debootstrap.
check-packages: deb static wheel
	tools/check_packages 12 build-deb $(STATIC_BUILD)/layerpipe build-wheel
	tools/check_packages 13 build-deb $(STATIC_BUILD)/layerpipe build-wheel

# A wheel for all versions of Python from 3.9 on.
python: deps-build-python build
	@$(PYTHON) python/build_backend.py build-python

# A wheel with all libraries inside, for other machines. It is made of the same sources as the static command.
wheel: deps-build-static-python
	LAYERPIPE_STATIC_SOURCES=$(abspath $(STATIC_BUILD))/sources packaging/static/build_wheel $(STATIC_ARGS) build-wheel

# HTML of the manual pages and the documents.
docs: deps-build-docs build
	@tools/make_docs $(BUILD) build-docs

# The files of a release, from a tagged commit. The tag is checked first, since the rest takes minutes. It has the newest
# sources of the libraries.
release:
	@tools/make_release --check
	@$(MAKE) --no-print-directory static STATIC_ARGS=--update
	@$(MAKE) --no-print-directory deb static-arm64 wheel STATIC_ARGS=
	tools/make_release build-release build-deb $(STATIC_BUILD) build-wheel

clean:
	rm -rf $(BUILD)

.NOTPARALLEL:
.PHONY: all deps build demo test test-slow check-all lint bench install uninstall check-install static static-arm64 deb image python wheel \
	check-packages docs release clean
