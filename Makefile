# virt-sev. `make demo` shows the main job, `make check` passes every test; both do all set-up, on a fresh machine.
# Needs: make, bash, Rust (rust-version in Cargo.toml). The rest: scripts/setup.sh.

PREFIX ?= /usr/local
LIBEXECDIR ?= $(PREFIX)/libexec
DESTDIR ?=
CARGO ?= cargo
SHELL := /bin/bash

-include build/env.mk

.PHONY: all setup build demo check check-static check-tests bench fuzz install uninstall generate clean

all: build

setup:
	@scripts/setup.sh

# What ships. qemu-sev-sim and sev-lab are development tools and do not.
build:
	$(CARGO) build --release --locked -p virt-sev-cli

# A recursive make reads build/env.mk after set-up has written it.
demo:
	@scripts/setup.sh demo
	@$(MAKE) --no-print-directory build-demo
	@$(MAKE) --no-print-directory run-demo

.PHONY: build-demo run-demo
build-demo:
	@[ -x target/release/sev-lab ] || echo "building virt-sev and the simulator: some minutes, the first time"
	@$(CARGO) build --quiet --release --locked -p virt-sev-cli -p virt-sev-sim

run-demo:
	@target/release/sev-lab run --file "$$VIRT_SEV_FIRMWARE" --file "$$VIRT_SEV_KERNEL" --file "$$VIRT_SEV_INITRD" \
		-- scripts/demo.sh

check: setup
	@$(MAKE) --no-print-directory check-static check-tests
	@echo "make check: everything passed"

check-static:
	@! grep -rnE --exclude-dir=.git --exclude-dir=target --exclude-dir=build '^(<<<<<<<|>>>>>>>) ' . || { echo "marks of a merge"; exit 1; }
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --locked --workspace --no-deps --document-private-items
	scripts/check-generated.sh
	@for f in scripts/*.sh fuzz/run.sh; do bash -n $$f || exit 1; done

# virt-install, a peer in the tests, logs below this folder, and nothing is to be left in the user's own.
check-tests: export XDG_CACHE_HOME := $(CURDIR)/build/cache
check-tests:
	$(CARGO) build --quiet --locked --workspace
	$(CARGO) test --locked --workspace
	$(CARGO) test --locked -p virt-sev-sim --features live

bench:
	$(CARGO) bench --quiet --locked -p virt-sev --bench apply
	$(CARGO) bench --quiet --locked -p virt-sev-cli --bench process
	$(CARGO) bench --quiet --locked -p virt-sev-cli --bench digest

# Every fuzz target for a minute, or for FUZZ_SECONDS.
fuzz:
	@fuzz/run.sh

# Files that are made from the code's own tables.
generate:
	$(CARGO) run --quiet --locked -p virt-sev-cli --bin virt-sev -- keys --format md > docs/keys.md
	$(CARGO) run --quiet --locked -p virt-sev-cli --bin virt-sev -- explain --list --format md > docs/rules.md
	$(CARGO) run --quiet --locked -p virt-sev-cli --bin virt-sev -- explain --list-messages --format md > docs/messages.md

# The documents keep their folders, so that the links between them hold. Builds nothing: `sudo make install` finds no cargo, and must not own the files of a build.
install:
	@[ -x target/release/virt-sev ] && [ -x target/release/virt-sev-online ] || { echo "run 'make' first" >&2; exit 1; }
	install -Dm0755 target/release/virt-sev $(DESTDIR)$(PREFIX)/bin/virt-sev
	install -Dm0755 target/release/virt-sev-online $(DESTDIR)$(LIBEXECDIR)/virt-sev/virt-sev-online
	for f in README.md CHANGELOG.md SECURITY.md CONTRIBUTING.md docs/*.md src/sim/README.md src/snp/roots/README.md \
		xml-templates/README.md xml-templates/domains/*.xml; do \
		install -Dm0644 $$f $(DESTDIR)$(PREFIX)/share/doc/virt-sev/$$f || exit 1; done

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/virt-sev $(DESTDIR)$(LIBEXECDIR)/virt-sev/virt-sev-online
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/virt-sev

clean:
	$(CARGO) clean
	rm -rf build
