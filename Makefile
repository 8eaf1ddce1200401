# virt-sev. `make demo` shows the main job, `make check` passes every test; both do all set-up, on a fresh machine.
# Needs: make, bash, Rust (rust-version in Cargo.toml). The rest: scripts/setup.sh.

PREFIX ?= /usr/local
LIBEXECDIR ?= $(PREFIX)/libexec
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DESTDIR ?=
CARGO ?= cargo
# Where cargo leaves what is installed.
OUT ?= target/release
# Python 3.9 or newer; the system's, because libvirt-python is there. And where the wheel goes.
PYTHON ?= /usr/bin/python3
PYTHONDIR ?= $(PREFIX)/lib/python3/dist-packages
DIST ?= dist
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SHELL := /bin/bash

-include build/env.mk

.PHONY: all setup build build-sim wheel demo check check-static check-tests check-python book bench fuzz install install-lib install-python install-sim dist deb rpm check-packages check-builds uninstall uninstall-lib generate clean

all: build

setup:
	@scripts/setup.sh

# What ships. qemu-sev-sim and sev-lab are development tools and do not.
build:
	$(CARGO) build --release --locked -p virt-sev-cli -p virt-sev-capi -p virt-sev-hooks -p virt-sev-sidecar

# Development tools, for the package virt-sev-sim.
build-sim:
	$(CARGO) build --release --locked -p virt-sev-sim

# The Python package. Built from a copy, because setuptools writes beside what it builds. Needs pip, setuptools and wheel,
# and no network. `make install` leaves it alone: a wheel is pip's.
wheel:
	@rm -rf build/wheel && mkdir -p build && cp -Rp python build/wheel && cp -p LICENSE build/wheel
	$(PYTHON) -m pip --disable-pip-version-check wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir $(DIST) build/wheel
	@rm -rf build/wheel

# A recursive make reads build/env.mk after set-up has written it.
demo:
	@scripts/setup.sh demo
	@$(MAKE) --no-print-directory build-demo
	@$(MAKE) --no-print-directory run-demo

# A shell with the demo's platform around it, for docs/start.md. Its folder is made afresh each time.
lab:
	@scripts/setup.sh demo
	@$(MAKE) --no-print-directory build-demo
	@$(MAKE) --no-print-directory run-lab

.PHONY: lab build-demo run-demo run-lab
build-demo:
	@[ -x target/release/sev-lab ] || echo "building virt-sev and the simulator: some minutes, the first time"
	@$(CARGO) build --quiet --release --locked -p virt-sev-cli -p virt-sev-sim

run-demo: export PATH := $(CURDIR)/target/release:$(PATH)
run-demo:
	@sev-lab run --file "$$VIRT_SEV_FIRMWARE" --file "$$VIRT_SEV_KERNEL" --file "$$VIRT_SEV_INITRD" \
		-- scripts/demo.sh

run-lab: export XDG_STATE_HOME := $(CURDIR)/build/lab/state
run-lab: export PATH := $(CURDIR)/target/release:$(PATH)
run-lab:
	@rm -rf build/lab && mkdir -p build/lab
	@cd build/lab && sev-lab run --file "$$VIRT_SEV_FIRMWARE" --file "$$VIRT_SEV_KERNEL" --file "$$VIRT_SEV_INITRD" \
		-- sh -c 'bash; exit 0'

check: setup
	@$(MAKE) --no-print-directory check-static check-tests
	@echo "make check: everything passed"

check-static:
	@! grep -rnE --exclude-dir=.git --exclude-dir=target --exclude-dir=build '^(<<<<<<<|>>>>>>>) ' . || { echo "marks of a merge"; exit 1; }
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --locked --workspace --no-deps --document-private-items
	scripts/check-generated.sh
	scripts/make-book.sh
	@for f in scripts/*.sh packaging/virt-sev-demo fuzz/run.sh; do bash -n $$f || exit 1; done

# virt-install, a peer in the tests, logs below this folder, and nothing is to be left in the user's own.
check-tests: export XDG_CACHE_HOME := $(CURDIR)/build/cache
check-tests:
	$(CARGO) build --quiet --locked --workspace
	$(CARGO) test --locked --workspace
	$(CARGO) test --locked -p virt-sev-sim --features live
	@$(MAKE) --no-print-directory check-python

# The Python package against the debug library.
check-python: export VIRTSEV_LIBRARY := $(CURDIR)/target/debug/libvirtsev.so
check-python: export PYTHONPATH := $(CURDIR)/python
check-python:
	$(PYTHON) -B -m unittest discover -s tests/python

# The documents as a book: build/html/docs/index.html.
book:
	scripts/make-book.sh

bench:
	$(CARGO) bench --quiet --locked -p virt-sev --bench apply
	$(CARGO) bench --quiet --locked -p virt-sev-cli --bench process
	$(CARGO) bench --quiet --locked -p virt-sev-cli --bench digest
	$(CARGO) bench --quiet --locked -p virt-sev-hooks --bench hooks

# Every fuzz target for a minute, or for FUZZ_SECONDS.
fuzz:
	@fuzz/run.sh

# Files that are made from the code's own tables.
generate:
	$(CARGO) run --quiet --locked -p virt-sev-cli --bin virt-sev -- keys --format md > docs/keys.md
	$(CARGO) run --quiet --locked -p virt-sev-cli --bin virt-sev -- explain --list --format md > docs/rules.md
	$(CARGO) run --quiet --locked -p virt-sev-cli --bin virt-sev -- explain --list-messages --format md > docs/messages.md
	sed -i "0,/^License:.*/s//License:        $$(scripts/licences.sh)/" packaging/rpm/virt-sev.spec
	UPDATE_GOLDEN=1 $(CARGO) test --quiet --locked -p virt-sev-capi --test capi -- header::
	UPDATE_GOLDEN=1 $(CARGO) test --quiet --locked -p virt-sev-cli --bin virt-sev -- man_tests

# What others start, and no person.
PROGRAMS := virt-sev-online virt-sev-libvirt-hook virt-sev-vdsm-hook virt-sev-kubevirt-hook virt-sev-kubevirt-sidecar

# The documents keep their folders, so that the links between them hold. Builds nothing: `sudo make install` finds no cargo, and must not own the files of a build.
install: install-lib
	@for f in virt-sev $(PROGRAMS); do [ -x $(OUT)/$$f ] || { echo "run 'make' first" >&2; exit 1; }; done
	install -Dm0755 $(OUT)/virt-sev $(DESTDIR)$(PREFIX)/bin/virt-sev
	for f in $(PROGRAMS); do install -Dm0755 $(OUT)/$$f $(DESTDIR)$(LIBEXECDIR)/virt-sev/$$f || exit 1; done
	for f in man/*; do install -Dm0644 $$f $(DESTDIR)$(MANDIR)/man$${f##*.}/$${f#man/} || exit 1; done
	for f in schemas/*.json; do install -Dm0644 $$f $(DESTDIR)$(PREFIX)/share/virt-sev/$$f || exit 1; done
	install -d $(DESTDIR)$(PREFIX)/share/doc/virt-sev
	ln -sfn ../../virt-sev/schemas $(DESTDIR)$(PREFIX)/share/doc/virt-sev/schemas
	install -Dm0644 completions/virt-sev.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/virt-sev
	install -Dm0644 completions/_virt-sev $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_virt-sev
	install -Dm0644 completions/virt-sev.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/virt-sev.fish
	for f in README.md LICENSE CHANGELOG.md SECURITY.md CONTRIBUTING.md docs/*.md docs/pictures/* src/sim/README.md src/snp/roots/README.md \
		xml-templates/README.md xml-templates/domains/*.xml \
		examples/*.c examples/*.py examples/virt-sev-edit examples/cloudstack/* examples/go/* packaging/kubevirt/*; do \
		install -Dm0644 $$f $(DESTDIR)$(PREFIX)/share/doc/virt-sev/$$f || exit 1; done

# The C library, with what a compiler needs.
install-lib:
	@[ -e $(OUT)/libvirtsev.so ] && [ -e $(OUT)/libvirtsev.a ] || { echo "run 'make' first" >&2; exit 1; }
	install -Dm0755 $(OUT)/libvirtsev.so $(DESTDIR)$(LIBDIR)/libvirtsev.so.$(VERSION)
	ln -sf libvirtsev.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libvirtsev.so.0
	ln -sf libvirtsev.so.0 $(DESTDIR)$(LIBDIR)/libvirtsev.so
	install -Dm0644 $(OUT)/libvirtsev.a $(DESTDIR)$(LIBDIR)/libvirtsev.a
	install -Dm0644 include/virtsev.h $(DESTDIR)$(INCLUDEDIR)/virtsev.h
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		packaging/virtsev.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/virtsev.pc
	chmod 0644 $(DESTDIR)$(LIBDIR)/pkgconfig/virtsev.pc

# For packagers: the wheel unpacked where the system's Python looks. Needs `make wheel`.
install-python:
	install -d $(DESTDIR)$(PYTHONDIR)
	$(PYTHON) -m zipfile -e $(DIST)/virtsev-$(VERSION)-py3-none-any.whl $(DESTDIR)$(PYTHONDIR)
	rm $(DESTDIR)$(PYTHONDIR)/virtsev-$(VERSION).dist-info/RECORD

# For packagers: the simulator and the demo with it. Needs `make build-sim`.
install-sim:
	for f in sev-lab qemu-sev-sim libvirt_sev_sim.so; do \
		install -Dm0755 $(OUT)/$$f $(DESTDIR)$(LIBEXECDIR)/virt-sev-sim/$$f || exit 1; done
	install -Dm0755 packaging/virt-sev-demo $(DESTDIR)$(PREFIX)/bin/virt-sev-demo
	ln -srf $(DESTDIR)$(LIBEXECDIR)/virt-sev-sim/sev-lab $(DESTDIR)$(PREFIX)/bin/sev-lab
	for f in demo.sh make-initramfs.sh guest-init; do \
		install -Dm0755 scripts/$$f $(DESTDIR)$(PREFIX)/share/virt-sev-sim/$$f || exit 1; done
	for f in src/sim/man/*; do install -Dm0644 $$f $(DESTDIR)$(MANDIR)/man$${f##*.}/$${f##*/} || exit 1; done
	install -Dm0644 src/sim/README.md $(DESTDIR)$(PREFIX)/share/doc/virt-sev-sim/README.md

# One archive with every crate, and packages from it without a network (packaging/DISTRO.md).
dist:
	@scripts/dist.sh

deb rpm: dist
	@scripts/setup.sh packages
	@scripts/$@.sh

# The packages of `make deb`, and of `make rpm` where they are there, in fresh Debian roots. As root.
check-packages:
	@scripts/setup.sh packages
	@scripts/check-packages.sh

# Both kinds again, without a network, and compared. As root, after `make deb rpm`.
check-builds:
	@scripts/check-builds.sh

uninstall-lib:
	rm -f $(DESTDIR)$(LIBDIR)/libvirtsev.* $(DESTDIR)$(INCLUDEDIR)/virtsev.h $(DESTDIR)$(LIBDIR)/pkgconfig/virtsev.pc

uninstall: uninstall-lib
	rm -f $(DESTDIR)$(PREFIX)/bin/virt-sev $(DESTDIR)$(LIBEXECDIR)/virt-sev/virt-sev-*
	rm -f $(DESTDIR)$(MANDIR)/man[158]/virt-sev*
	rm -f $(DESTDIR)$(PREFIX)/share/{bash-completion/completions/virt-sev,zsh/site-functions/_virt-sev,fish/vendor_completions.d/virt-sev.fish}
	rm -rf $(DESTDIR)$(PREFIX)/share/virt-sev $(DESTDIR)$(PREFIX)/share/doc/virt-sev

clean:
	$(CARGO) clean
	rm -rf build dist
