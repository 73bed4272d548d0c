# Portcullis: `make` builds everything, `make help` lists the rest. V=1 shows the commands.
SHELL := /bin/bash
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = @echo "  $(1)"

ARCH ?= x86_64
BUILD := .build-portcullis
# Found even under sudo, whose PATH is not the user's: a toolchain is looked for where the distributions and swift.org put it.
SWIFT ?= $(firstword $(shell command -v swift 2>/dev/null) $(wildcard /opt/swift/usr/bin/swift /usr/local/swift/usr/bin/swift /usr/bin/swift $(HOME)/.local/share/swiftly/bin/swift) swift)
TOOLCHAIN := $(shell dirname $$(readlink -f "$$(command -v $(SWIFT) || echo $(SWIFT))"))
SWIFTC := $(TOOLCHAIN)/swiftc
CLANG := $(TOOLCHAIN)/clang
MULTIARCH := $(ARCH)-linux-gnu
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
PREFIX ?= /usr/local

HOOK := $(BUILD)/$(ARCH)/portcullis-hook
WRAPPER := $(BUILD)/$(ARCH)/portcullis-runtime
OBJECTS := $(patsubst %,$(BUILD)/bpf/%.bpf.o.gz,identity takeover observe telemetry uring capability observe_reduced telemetry_reduced uring_reduced capability_reduced enforce judge syscalls guard enforce_reduced judge_reduced syscalls_reduced guard_reduced)
DAEMON := $(BUILD)/portcullisd
CLI := $(BUILD)/portcullis
FEED := $(BUILD)/portcullis-feed
NRI := $(BUILD)/portcullis-nri

.PHONY: all deps bpf hook programs feed nri proto test test-long demo bench check install uninstall clean help
all: deps bpf hook programs

help:
	@echo "make             build the hook, the eBPF programs, portcullisd and portcullis into $(BUILD)/"
	@echo "make feed        build portcullis-feed, which serves gRPC and metrics (some minutes the first time)"
	@echo "make nri         build portcullis-nri, the plugin for containerd and CRI-O"
	@echo "make demo        watch the kernel know a container and deny what its policy denies (a minute or two; root or sudo)"
	@echo "make test        unit tests, then tests with real containers on this kernel (root or sudo)"
	@echo "make test-unit   the tests that need neither root nor a container"
	@echo "make test-long   also the long ones: 1,200 containers, 100 kills, every check on every kernel; writes docs/test-long.md"
	@echo "make vmtest      checks with real containers in guests with Debian's kernels (VM_KERNELS=6.1 CHECKS='bypass-*' for some)"
	@echo "make vmshell     a root shell in such a guest (VM_KERNELS=6.1)"
	@echo "make fuzz        10^7 generated inputs for every reader (FUZZ_INPUTS, FUZZ_SEED); make sanitize: the unit tests under sanitizers"
	@echo "make bench       the figures of the README, as table, JSON and one HTML page"
	@echo "make check       format, layout and dependency rules, manual pages; make manual: write the pages of the commands anew"
	@echo "make hook ARCH=aarch64   cross-build the hook"
	@echo "make deb         a package for Debian 12 and 13, in $(BUILD)/deb; make test-deb: lintian, and its life in both, with systemd in guests"
	@echo "make install     into PREFIX=$(PREFIX)"
	@echo "make images      container images for deploy/kubernetes and deploy/compose (IMAGES=$(IMAGES))"

deps:
	$(Q)scripts/install-packages $(ARCH)

# --- eBPF programs: compiled by the toolchain's own clang, stripped to BTF, embedded by the C target CObjects
BPF_HEADERS := $(wildcard bpf/*.h)
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS)
	$(call say,BPF   $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -g -O2 -mcpu=v3 -Wall -Wextra -Wno-unused-parameter -Werror -Ibpf -I/usr/include/$(MULTIARCH) -D__TARGET_ARCH_x86 -c $< -o $@
	$(Q)$(TOOLCHAIN)/llvm-objcopy --strip-debug $@
# The variants for 5.10, from the same sources.
$(BUILD)/bpf/%_reduced.bpf.o: bpf/%.bpf.c $(BPF_HEADERS)
	$(call say,BPF   $< (5.10))
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -g -O2 -mcpu=v3 -DPC_REDUCED -Wall -Wextra -Wno-unused-parameter -Werror -Ibpf -I/usr/include/$(MULTIARCH) -D__TARGET_ARCH_x86 -c $< -o $@
	$(Q)$(TOOLCHAIN)/llvm-objcopy --strip-debug $@
# As they are embedded. What includes them must be compiled anew.
$(BUILD)/bpf/%.o.gz: $(BUILD)/bpf/%.o
	$(Q)gzip -9 -n -c $< >$@.part && mv $@.part $@
	$(Q)touch Sources/CPortcullis/Objects/objects.c
.SECONDARY: $(OBJECTS:.gz=)
bpf: $(OBJECTS)

# --- the hook: Embedded Swift, static-PIE on musl. No RELRO: musl's static start-up does not apply it, and its padding costs pages.
EMBEDDED := -swift-version 6 -enable-experimental-feature Embedded -wmo -Osize -parse-as-library -warnings-as-errors \
	-Xfrontend -function-sections -DSINGLE_MODULE
HOOK_SWIFT := $(wildcard Sources/HookWire/*.swift Sources/Hook/*.swift)
HOOK_C := Sources/CPortcullis/HookSystem
ifeq ($(ARCH),x86_64)
SWIFT_TARGET := x86_64-unknown-linux-gnu
MUSL_LIB := /usr/lib/x86_64-linux-musl
MUSL_INCLUDE := /usr/include/x86_64-linux-musl
else
# The embedded standard library for another Linux is not in the toolchain; the bare-metal one serves, and musl is Debian's package.
SWIFT_TARGET := $(ARCH)-none-none-elf
MUSL_LIB := $(BUILD)/$(ARCH)/sysroot/usr/lib/$(ARCH)-linux-musl
MUSL_INCLUDE := $(BUILD)/$(ARCH)/sysroot/usr/include/$(ARCH)-linux-musl
endif
# Both are made alike: the parts of C that each needs, and all Swift as one module.
WRAPPER_SWIFT := $(wildcard Sources/HookWire/*.swift Sources/Runtime/Library/*.swift Sources/Runtime/Program/*.swift Sources/Runtime/Program/Hook/*.swift)
EMBEDDED_SOURCES := $(wildcard $(HOOK_C)/*.c $(HOOK_C)/include/*) Makefile
hook: $(HOOK) $(WRAPPER)
$(HOOK): $(HOOK_SWIFT) $(EMBEDDED_SOURCES) | deps
	$(call say,HOOK  $@)
	$(Q)$(call embedded,portcullis-hook,$(HOOK_SWIFT),hooksystem hookfilter)
$(WRAPPER): $(WRAPPER_SWIFT) $(EMBEDDED_SOURCES) | deps
	$(call say,HOOK  $@)
	$(Q)$(call embedded,portcullis-runtime,$(WRAPPER_SWIFT),hooksystem runtimesystem)
# embedded NAME, SWIFT, PARTS OF C: the program beside its objects.
define embedded
	mkdir -p $(@D)/$(1).objects
	$(Q)$(SWIFTC) -target $(SWIFT_TARGET) $(EMBEDDED) -module-name $(subst -,_,$(1)) -I $(HOOK_C)/include -c $(2) -o $(@D)/$(1).objects/swift.o
	$(Q)for part in $(3); do \
		$(CLANG) --target=$(ARCH)-linux-musl -DPORTCULLIS_EMBEDDED='"$(1)"' -Os -fPIE -Wall -Wextra -Werror -ffunction-sections -fdata-sections \
			-nostdlibinc -isystem $(MUSL_INCLUDE) -idirafter /usr/include -idirafter /usr/include/$(shell uname -m)-linux-gnu \
			-I$(HOOK_C)/include -c $(HOOK_C)/$$part.c -o $(@D)/$(1).objects/$$part.o || exit 1; done
	$(Q)$(CLANG) --target=$(ARCH)-linux-musl -fuse-ld=lld -static-pie -nostdlib -Wl,--gc-sections,-z,norelro,--icf=all -s \
		$(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o $(@D)/$(1).objects/swift.o $(patsubst %,$(@D)/$(1).objects/%.o,$(3)) $(MUSL_LIB)/libc.a $(MUSL_LIB)/crtn.o -o $@
endef

# --- daemon and command line
SWIFT_SOURCES := $(shell find Sources -name '*.swift' -o -name '*.c' -o -name '*.h') Package.swift
programs: $(DAEMON) $(CLI)
$(DAEMON) $(CLI) &: $(SWIFT_SOURCES) $(OBJECTS) | deps
	$(call say,SWIFT portcullisd portcullis)
	$(Q)mkdir -p $(BUILD)
	$(Q)PORTCULLIS_STATIC=1 $(SWIFT) build -c release --scratch-path .build-release -Xswiftc -static-executable \
		--product portcullisd $(if $(filter 1,$(V)),,2>&1 | { grep -E '(error|warning):' | grep -vE 'statically linked applications|mktemp' || :; }; exit $${PIPESTATUS[0]})
	$(Q)PORTCULLIS_STATIC=1 $(SWIFT) build -c release --scratch-path .build-release -Xswiftc -static-executable \
		--product portcullis $(if $(filter 1,$(V)),,2>&1 | { grep -E '(error|warning):' | grep -vE 'statically linked applications|mktemp' || :; }; exit $${PIPESTATUS[0]})
	$(Q)for program in portcullisd portcullis; do \
		$(TOOLCHAIN)/llvm-objcopy --strip-all .build-release/release/$$program $(BUILD)/$$program || exit 1; done

# Both traits for both programs: what they share is built once then.
WITH_PACKAGES := --traits Feed,NRI --static-swift-stdlib
# --- the feed: with gRPC and what that needs, which the rest is built without. glibc stays dynamic: it looks up names.
feed: $(FEED)
$(FEED): $(shell find Sources/Feed Sources/Core Sources/HookWire Sources/Client Sources/CPortcullis -name '*.swift' -o -name '*.c' -o -name '*.h') Package.swift | deps
	$(call say,SWIFT portcullis-feed)
	$(Q)mkdir -p $(BUILD)
	$(Q)PORTCULLIS_STATIC=1 $(SWIFT) build -c release --scratch-path .build-feed $(WITH_PACKAGES) --product portcullis-feed $(quiet_build)
	$(Q)$(TOOLCHAIN)/llvm-objcopy --strip-all .build-feed/release/portcullis-feed $(FEED)
# --- the plugin for NRI: with Protocol Buffers, and nothing of the network. All static (Package.swift), so that it runs in an image without libraries.
nri: $(NRI)
$(NRI): $(shell find nri Sources/Core Sources/HookWire Sources/CPortcullis -name '*.swift' -o -name '*.c' -o -name '*.h') Package.swift | deps
	$(call say,SWIFT portcullis-nri)
	$(Q)mkdir -p $(BUILD)
	$(Q)PORTCULLIS_STATIC=1 $(SWIFT) build -c release --scratch-path .build-feed $(WITH_PACKAGES) --product portcullis-nri $(quiet_build)
	$(Q)$(TOOLCHAIN)/llvm-objcopy --strip-all .build-feed/release/portcullis-nri $(NRI)
# After a change of Sources/Feed/Proto or nri/Proto; what it makes is committed.
proto:
	$(Q)scripts/generate-proto "$(SWIFT)"

# --- tests. PORTCULLIS_BUILD says where the programs under test are; root is asked for only by those that need it.
TEST_BUILD := $(SWIFT) build --build-tests
# KubeArmor's own policies, where a copy of them lies beside this tree; a stranger's clone has none.
PORTCULLIS_POLICY_CORPUS ?= $(abspath $(wildcard ../shared/corpus))
TEST_RUN := $(SWIFT) test --skip-build
quiet_build = $(if $(filter 1,$(V)),,2>&1 | { grep -E '(error|warning):' | grep -vE 'statically linked applications|use of .mktemp' || :; }; exit $${PIPESTATUS[0]})
test-build: all
	$(call say,BUILD tests)
	$(Q)$(TEST_BUILD) $(quiet_build)
# What failed is said once more at the end, where the end is all that is kept of a long run's output. $(1): the log.
recorded = | tee $(1); result=$${PIPESTATUS[0]}; [ $$result = 0 ] || grep -A 12 'recorded an issue' $(1) | tail -n 120 >&2
test-unit: test-build
	$(Q)PORTCULLIS_POLICY_CORPUS="$(PORTCULLIS_POLICY_CORPUS)" PORTCULLIS_LONG="$(PORTCULLIS_LONG)" $(TEST_RUN) --skip HostTests --xunit-output $(BUILD)/unit.xml \
		2>&1 $(call recorded,$(BUILD)/unit.log); exit $$result
test-host: test-build feed nri hook-aarch64-check
	$(Q)scripts/install-packages $(ARCH) host
	$(Q)$(SUDO) env PATH="$$PATH" PORTCULLIS_LONG=$(PORTCULLIS_LONG) $(TEST_RUN) --filter HostTests --xunit-output $(BUILD)/host.xml \
		2>&1 $(call recorded,$(BUILD)/host.log); [ -z "$(SUDO)" ] || $(SUDO) chown -R $$(id -u):$$(id -g) .build; exit $$result
test: check test-unit fuzz-short test-host test-metrics test-kubernetes test-deb vmtest
test-long:
	$(Q)rm -rf $(BUILD)/vm/*/results $(BUILD)/*-swift-testing.xml
	$(Q)$(MAKE) --no-print-directory test PORTCULLIS_LONG=1 VM_SET=long; result=$$?; Tests/vm/report >docs/test-long.md; exit $$result
.PHONY: test-build test-host hook-aarch64-check

# A daemon and a feed, scraped.
test-metrics: all feed
	$(Q)$(SUDO) env PATH="$$PATH" Tests/feed/metrics --bin $(BUILD)
.PHONY: test-metrics

# Manifests, images and the schemas of policies, as far as that goes without a cluster.
test-kubernetes: all feed nri
	$(Q)scripts/install-packages $(ARCH) kubernetes
	$(Q)$(SUDO) Tests/kubernetes/check --bin $(BUILD) $(if $(PORTCULLIS_POLICY_CORPUS),--corpus "$(PORTCULLIS_POLICY_CORPUS)")
.PHONY: test-kubernetes

# --- generated and mutated inputs for every reader of bytes from outside, and the unit tests under sanitizers. A finding leaves its input in .build-fuzz/findings.
FUZZ_CORPORA := $(foreach directory,$(wildcard ../shared/samples ../shared/corpus),--corpus $(abspath $(directory)))
FUZZ_SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
FUZZ_INPUTS ?= 435000 # of each target
fuzz-build: bpf | deps
	$(call say,SWIFT fuzz)
	$(Q)$(SWIFT) build -c release --product fuzz --scratch-path .build-fuzz -Xswiftc -enable-testing $(quiet_build)
fuzz: fuzz-build
	$(Q).build-fuzz/release/fuzz --jobs 2 --seed $(FUZZ_SEED) --inputs $(FUZZ_INPUTS) --findings .build-fuzz/findings $(FUZZ_CORPORA)
# The build that the tests made has it already: some 10^5 inputs.
fuzz-short: test-build
	$(Q).build/debug/fuzz --jobs 2 --seed $(FUZZ_SEED) --inputs 4400 --findings .build-fuzz/findings $(FUZZ_CORPORA)
# Guided by coverage: make fuzz-guided TARGET=frame SECONDS=60
fuzz-guided: fuzz-build
	$(Q)$(SWIFT) build -c release --product fuzz --scratch-path .build-fuzz-guided --sanitize=fuzzer --sanitize=address -Xswiftc -enable-testing -Xswiftc -DLIBFUZZER $(quiet_build)
	$(Q).build-fuzz/release/fuzz --write-seeds .build-fuzz-guided/corpus-$(TARGET) $(FUZZ_CORPORA) $(TARGET)
	$(Q)cd .build-fuzz-guided && SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 FUZZ_TARGET=$(TARGET) release/fuzz corpus-$(TARGET) -max_total_time=$(or $(SECONDS),60) -timeout=5 -max_len=8192
sanitize: bpf hook | deps
	$(Q)for kind in address thread; do \
		($(SWIFT) build --build-tests --sanitize=$$kind --scratch-path .build-$$kind $(quiet_build)) || exit 1; \
		ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --skip-build --sanitize=$$kind --scratch-path .build-$$kind --skip HostTests || exit 1; done
.PHONY: fuzz fuzz-build fuzz-short fuzz-guided sanitize

# The cross-built hook, under emulation: a state on standard input, no daemon, the message in the spool.
hook-aarch64-check:
ifeq ($(shell uname -m),x86_64)
	$(Q)$(MAKE) --no-print-directory hook ARCH=aarch64
	$(Q)Tests/unit/hook-aarch64 $(BUILD)/aarch64/portcullis-hook
else
	@echo "  SKIP  the cross-built hook: this is not an x86_64 machine"
endif

# --- the same and more in guests with other kernels: VM_KERNELS="6.1 7.x", CHECKS="bypass-*", VM_SET=core|full|long
VM_BUILT := $(BUILD)/vm/programs
VM_PROGRAMS := $(patsubst Tests/vm/programs/%.c,$(VM_BUILT)/%,$(wildcard Tests/vm/programs/*.c))
VM_CLANG := $(CLANG) --target=$(ARCH)-linux-musl -fuse-ld=lld -O1 -Wall -Wextra -Werror -nostdlib -nostdlibinc \
	-isystem /usr/include/$(ARCH)-linux-musl -idirafter /usr/include -idirafter /usr/include/$(MULTIARCH)
$(VM_BUILT)/secret-tool: Tests/vm/programs/secret-tool.c Makefile # dynamic, so that it can be given to the loader
	$(Q)mkdir -p $(@D) && install $(MUSL_LIB)/libc.so $(@D)/libc.so
	$(Q)$(VM_CLANG) -Wl,-dynamic-linker,/lib/ld-musl-$(ARCH).so.1 $(MUSL_LIB)/crt1.o $(MUSL_LIB)/crti.o $< -L$(@D) -lc $(MUSL_LIB)/crtn.o -o $@
$(VM_BUILT)/linked: Tests/vm/programs/linked.c Makefile # dynamic, with a library of its own
	$(Q)mkdir -p $(@D) && install $(MUSL_LIB)/libc.so $(@D)/libc.so
	$(Q)$(VM_CLANG) -DLIBRARY -fPIC -shared -Wl,-soname,liblinked.so $< -L$(@D) -lc -o $(@D)/liblinked.so
	$(Q)$(VM_CLANG) -Wl,-dynamic-linker,/lib/ld-musl-$(ARCH).so.1 $(MUSL_LIB)/crt1.o $(MUSL_LIB)/crti.o $< -L$(@D) -llinked -lc $(MUSL_LIB)/crtn.o -o $@
$(VM_BUILT)/%: Tests/vm/programs/%.c Tests/vm/programs/attack.h Tests/vm/programs/secret-tool.c Makefile
	$(Q)mkdir -p $(@D)
	$(Q)$(VM_CLANG) -static $(MUSL_LIB)/crt1.o $(MUSL_LIB)/crti.o $< $(MUSL_LIB)/libc.a $(MUSL_LIB)/crtn.o -o $@
# A daemon of the next ABI version, for the checks of upgrades.
VM_NEXT := $(BUILD)/vm/next
$(VM_NEXT)/portcullisd: $(SWIFT_SOURCES) $(OBJECTS) Tests/vm/next-abi Makefile | deps
	$(call say,SWIFT portcullisd (of the next ABI version))
	$(Q)Tests/vm/next-abi $(VM_NEXT)/tree
	$(Q)$(MAKE) --no-print-directory -C $(VM_NEXT)/tree -s bpf >/dev/null
	$(Q)cd $(VM_NEXT)/tree && PORTCULLIS_STATIC=1 $(SWIFT) build --scratch-path ../build -Xswiftc -static-executable --product portcullisd \
		$(if $(filter 1,$(V)),,2>&1 | { grep -E '(error|warning):' | grep -vE 'statically linked applications|mktemp' || :; }; exit $${PIPESTATUS[0]})
	$(Q)$(TOOLCHAIN)/llvm-objcopy --strip-all $(VM_NEXT)/build/debug/portcullisd $@
vm-deps: | deps
	$(Q)scripts/install-packages $(ARCH) vm
vmtest: all vm-deps $(VM_PROGRAMS) $(VM_NEXT)/portcullisd
	$(Q)Tests/vm/run $(if $(VM_SET),--set $(VM_SET)) $(CHECKS)
vmshell: all vm-deps $(VM_PROGRAMS) $(VM_NEXT)/portcullisd
	$(Q)Tests/vm/shell $(VM_KERNELS)
.PHONY: vm-deps vmtest vmshell

# --- container images, of this version, by podman or docker: IMAGES=registry.example/portcullis
IMAGES ?= localhost/portcullis
images: all feed nri
	$(Q)deploy/container/stage $(BUILD) $(BUILD)/images
	$(Q)version=$$(sed -n 's/.*"\(.*\)".*/\1/p' Sources/HookWire/BuildVersion.swift); \
		builder=$$(command -v podman || command -v docker) || { echo "  Neither podman nor docker is here" >&2; exit 1; }; \
		for image in agent: node:-node feed:-feed; do \
			"$$builder" build --target $${image%%:*} -t $(IMAGES)$${image#*:}:$$version -f deploy/container/Containerfile $(BUILD)/images || exit 1; done
.PHONY: images

# --- the rest
demo: all
	$(Q)$(SUDO) scripts/demo $(BUILD)

BENCH ?= a b c d e f g i j k l m
# What f times: the matching code in a program type that can be timed, and sets from the product's own compiler.
$(BUILD)/bench/match.bpf.o: Tests/bench/bpf/match.bpf.c Tests/bench/bpf/case.h $(BPF_HEADERS)
	$(call say,BPF   $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -g -O2 -mcpu=v3 -Wall -Wextra -Wno-unused-parameter -Werror -Ibpf -I/usr/include/$(MULTIARCH) -D__TARGET_ARCH_x86 -c $< -o $@
$(BUILD)/bench/policy-set-image: $(SWIFT_SOURCES) Tests/bench/image/main.swift | deps
	$(call say,SWIFT policy-set-image)
	$(Q)mkdir -p $(@D)
	$(Q)PORTCULLIS_STATIC=1 $(SWIFT) build -c release --scratch-path .build-release -Xswiftc -static-executable \
		--product policy-set-image $(if $(filter 1,$(V)),,2>&1 | { grep -E '(error|warning):' | grep -vE 'statically linked applications|mktemp' || :; }; exit $${PIPESTATUS[0]})
	$(Q)install .build-release/release/policy-set-image $@
bench: all feed nri vm-deps $(VM_PROGRAMS) $(BUILD)/bench/match.bpf.o $(BUILD)/bench/policy-set-image
	$(Q)scripts/install-packages $(ARCH) bench
	$(Q)$(SUDO) Tests/bench/run --bin $(BUILD) --out $(BUILD)/bench $(if $(QUICK),--quick) $(BENCH)

check: check-manual
	$(Q)scripts/check "$(SWIFT)"

# The pages of the commands are made from the program; what is made is committed.
manual: $(CLI)
	$(Q)scripts/manual $(CLI)
check-manual: $(CLI)
	$(Q)scripts/manual --check $(CLI)
.PHONY: manual check-manual

install: all
	$(Q)scripts/install $(BUILD) $(PREFIX) $(DESTDIR)
	@echo "  Installed under $(DESTDIR)$(PREFIX). For the feed's user and the directories of the sockets: systemd-sysusers, systemd-tmpfiles --create"
	@echo "  portcullis.conf, systemctl daemon-reload. To have CRI-O and podman run the hook: portcullis install hooks"

uninstall:
	$(Q)scripts/install --uninstall $(BUILD) $(PREFIX) $(DESTDIR)

# The same as a package for Debian 12 and 13.
deb: all feed nri
	$(Q)scripts/install-packages $(ARCH) deb
	$(Q)deploy/debian/build $(BUILD) $(BUILD)/deb
test-deb: deb vm-deps
	$(Q)scripts/install-packages $(ARCH) test-deb
	$(Q)$(SUDO) env PATH="$$PATH" Tests/deb/check --bin $(BUILD)
.PHONY: deb test-deb

clean:
	$(Q)rm -rf .build .build-release .build-feed .build-fuzz .build-fuzz-guided .build-address .build-thread $(BUILD)
