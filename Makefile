# certmuster: `make` builds build/release/; `make help` lists everything else. Non-recursive; what a room holds is found by
# wildcard, so a new file needs no line here. A new program needs one row in "Programs".

PROFILE ?= release
PREFIX  ?= /usr/local
BUILD   ?= build
B       := $(BUILD)/$(PROFILE)
PKG     := pkg-config

CC_release = cc
CC_debug   = cc
CC_asan    = cc
CC_cov     = cc
CC_fuzz    = clang
CC         = $(CC_$(PROFILE))
FLAGS_release = -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
# What reads captures is compiled as a whole as well: packets pass through a dozen small files, and a call costs as much as what it does there.
WHOLE_release = -O3 -flto=auto -ffat-lto-objects
FLAGS_debug   = -O0 -g3
FLAGS_asan    = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_cov     = -O0 -g --coverage
FLAGS_fuzz    = -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Wwrite-strings
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude -I. -I$(B)
CFLAGS   += -std=c11 -fPIE $(FLAGS_$(PROFILE)) $(WARNINGS)
LDFLAGS  += -pie -Wl,--as-needed -Wl,-z,relro,-z,now $(filter -fsanitize=address%,$(FLAGS_$(PROFILE))) $(filter --coverage,$(FLAGS_$(PROFILE)))

# --- Programs: the directories that make each, and what it links -----------------------------------------------------------
PROGRAMS := scan watch crawl submit collectd ctl report browse front
dirs_scan     := scanner/scan scanner/tls
dirs_watch    := scanner/watch scanner/tls
dirs_crawl    := scanner/crawl scanner/crawl/formats
dirs_submit   := scanner/submit
dirs_collectd := collector collector/http collector/ingest collector/judge collector/alert
dirs_ctl      := collector/ctl
dirs_report   := report report/html
dirs_browse   := report/browse
dirs_front    := collector/ctl/front
pkgs_scan     := openssl libcares libidn2 yaml-0.1 zlib
pkgs_watch    := openssl libbrotlidec libpcap libseccomp libzstd yaml-0.1 zlib
pkgs_crawl    := openssl libarchive liblzma libseccomp libzstd nettle yaml-0.1 zlib sqlite3
pkgs_submit   := openssl libcurl jansson libzstd yaml-0.1 zlib
pkgs_collectd := openssl libpq libevent libevent_openssl libcurl jansson libzstd yaml-0.1 zlib
pkgs_ctl      := openssl libidn2 libpq yaml-0.1 libcurl zlib
pkgs_report   := openssl libpq yaml-0.1 zlib
pkgs_browse   := openssl libpq yaml-0.1 ncursesw zlib
pkgs_front    :=
pkgs_all      := openssl libarchive libbrotlidec liblzma nettle libcares libidn2 libpcap libpq libseccomp libevent libevent_openssl libcurl jansson libzstd yaml-0.1 ncursesw zlib sqlite3
binary = $(if $(filter front,$(1)),certmuster,certmuster-$(1))
BINARIES := $(foreach p,$(PROGRAMS),$(B)/$(call binary,$(p)))

.PHONY: all help install check check-fresh quickstart quickstart-stop layers format format-check soak bench bench-scan bench-watch bench-formats bench-collector fuzz clean measured tests packages-build
all: $(BINARIES)

help:
	@echo 'make                   build build/release/ (PROFILE=debug|asan|cov|fuzz for another)'
	@echo 'make quickstart        install packages, build, start a private inventory, sweep a sample fleet and this machine'
	@echo 'make quickstart-stop   stop what quickstart started'
	@echo 'make check [T=NAME]    install packages, build with warnings as errors, run every test (or those that match NAME)'
	@echo 'make check-fresh       prove check and quickstart in a fresh Debian 12 root'
	@echo 'make soak [T=NAME]     faults for long: SIGKILL a hundred times in a sweep, and what else tests/soak/list says'
	@echo 'make install           into $$DESTDIR$$PREFIX (default /usr/local)'
	@echo 'make layers            prove that includes point down only'
	@echo 'make format            lay out the C sources by .clang-format'
	@echo 'make bench             ratios against floors and peers, in tests/bench'
	@echo 'make bench-scan [PARTS=...]   the scanner alone: floors peers syscalls waiting million threads'
	@echo 'make bench-watch [PARTS=...]  the reader of captures alone: speed complete flood live'
	@echo 'make bench-formats [PARTS=...]  the readers of files alone: scan keystore image'
	@echo 'make bench-collector [PARTS=...]  the collector and its inventory: resweep new missing year'
	@echo 'make fuzz [F=NAME] [SECONDS=60]   run the fuzz targets'

# --- Generated: files that programs carry inside (migrations, the HTML page) as C initialisers ------------------------------
EMBEDDED := $(sort $(wildcard sql/*.sql collector/ingest/*.sql report/html/page.*))
GENERATED := $(EMBEDDED:%=$(B)/gen/%.inc) $(B)/gen/migrations.inc $(B)/gen/schema_version.inc
.SECONDARY: $(GENERATED)
$(B)/gen/%.inc: %
	@mkdir -p $(@D)
	@od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' > $@
# Rows {number, "name", bytes, size} for a table of migrations; see collector/ctl/migrate.c.
$(B)/gen/migrations.inc: $(wildcard sql/*.sql) $(patsubst %,$(B)/gen/%.inc,$(wildcard sql/*.sql))
	@mkdir -p $(@D)
	@for f in $(sort $(wildcard sql/*.sql)); do n=$$(basename $$f .sql); \
	  echo "{$$(echo $$n | sed 's/_.*//; s/^0*//'), \"$$n\", (const unsigned char[]){"; echo "#include \"gen/$$f.inc\""; echo "0}, $$(wc -c < $$f)},"; done > $@

# The number of the newest migration: what a program needs that only asks whether the database is recent enough.
$(B)/gen/schema_version.inc: $(wildcard sql/*.sql)
	@mkdir -p $(@D)
	@echo '$(lastword $(sort $(wildcard sql/*.sql)))' | sed 's|.*/||; s/_.*//; s/^0*//' > $@

# --- Objects and archives ---------------------------------------------------------------------------------------------------
LIB_SRC := $(wildcard lib/*.c)
all_dirs := lib $(foreach p,$(PROGRAMS),$(dirs_$(p))) tests/fleet
CFLAGS_PKG := $(shell $(PKG) --cflags $(pkgs_all) 2>/dev/null)

$(B)/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS_PKG) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/scanner/watch/%.o $(B)/scanner/tls/%.o: FLAGS_$(PROFILE) += $(WHOLE_$(PROFILE))

$(B)/libcertmuster.a: $(LIB_SRC:%.c=$(B)/%.o)
	@rm -f $@ && ar rcs $@ $^

# src_X: all of a program; its main.c stays out of X.a, which its unit tests link.
define program_rules
src_$(1) := $$(foreach d,$$(dirs_$(1)),$$(wildcard $$(d)/*.c))
main_$(1) := $$(filter %/main.c,$$(src_$(1)))
$(B)/$(1).a: $$(patsubst %.c,$(B)/%.o,$$(filter-out $$(main_$(1)),$$(src_$(1))))
	@mkdir -p $$(@D); rm -f $$@ && ar rcs $$@ $$^
$(B)/$(call binary,$(1)): $$(patsubst %.c,$(B)/%.o,$$(main_$(1))) $(B)/$(1).a $(B)/libcertmuster.a
	@echo "  LINK  $$@"
	@$$(CC) $$(LDFLAGS) $$(if $$(filter watch,$(1)),$$(filter-out -ffat%,$$(WHOLE_$(PROFILE)))) -o $$@ $$^ $$(if $$(pkgs_$(1)),$$(shell $$(PKG) --libs $$(pkgs_$(1)))) -lpthread -lm
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$(p))))

# --- Tests ------------------------------------------------------------------------------------------------------------------
# tests/unit/<room>/test_*.c: cmocka, linked with that program's archive (room "lib": the library alone).
# tests/fuzz/<room>/fuzz_*.c: LLVMFuzzerTestOneInput; `make check` replays the seeds of tests/data/fuzz/<name>/ through them.
UNIT := $(wildcard tests/unit/*/test_*.c)
FUZZ := $(wildcard tests/fuzz/*/fuzz_*.c)
UNIT_BIN := $(UNIT:%.c=$(B)/%)
FUZZ_BIN := $(FUZZ:%.c=$(B)/%)
FLEET := $(B)/tests/fleet/certmuster-fleet
FLEET_SRC := $(wildcard tests/fleet/*.c)
BENCH_BIN := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
room = $(notdir $(patsubst %/,%,$(dir $(1))))
room_archives = $(if $(filter-out lib,$(call room,$(1))),$(B)/$(call room,$(1)).a)

$(FLEET): $(FLEET_SRC:%.c=$(B)/%.o) $(B)/libcertmuster.a
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(shell $(PKG) --libs openssl zlib) -lpthread
# Floors and peers that benchmarks compare with, and what makes their input: one file, one program.
bench_archives_repeat-capture = $(B)/watch.a
bench_archives_half-open = $(B)/watch.a
bench_archives_formats-scan = $(B)/crawl.a
bench_pkgs_collector-load = libcurl libzstd
bench_archives_collector-judge = $(B)/collectd.a
bench_archives_year-queries = $(B)/browse.a
.SECONDEXPANSION:
$(BENCH_BIN): $(B)/%: $(B)/%.o $$(bench_archives_$$(notdir $$@)) $(B)/libcertmuster.a
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(shell $(PKG) --libs openssl libpcap $(bench_pkgs_$(@F)) $(foreach p,watch crawl collectd browse,$(if $(filter %/$(p).a,$^),$(pkgs_$(p))))) -lpthread
$(UNIT_BIN): $(B)/%: $(B)/%.o $$(call room_archives,%) $(B)/libcertmuster.a
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(shell $(PKG) --libs cmocka $(pkgs_all)) -lpthread -lm
ifeq ($(PROFILE),fuzz)
FUZZ_MAIN = -fsanitize=fuzzer,address,undefined
else
FUZZ_MAIN = $(B)/tests/fuzz/replay.o
$(FUZZ_BIN): $(B)/tests/fuzz/replay.o
endif
$(FUZZ_BIN): $(B)/%: $(B)/%.o $$(call room_archives,%) $(B)/libcertmuster.a
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $(filter-out %/replay.o,$^) $(FUZZ_MAIN) $(shell $(PKG) --libs $(pkgs_all)) -lpthread -lm

# measured: of the release build, what tests and benchmarks run. (What a sanitizer needs, the filter of system calls refuses.)
measured: all $(FLEET) $(BENCH_BIN) $(B)/tests/unit/watch/test_privileges
tests: measured $(UNIT_BIN) $(FUZZ_BIN)
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# Unit, fuzz-seed and most end-to-end tests run on the ASan+UBSan build; those that say "# profile: release" on the release build.
check:
	@contrib/install-packages run build test
	@tests/node/fetch $(BUILD)/npm || echo 'the tests that need Node.js 24 will be skipped' >&2
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=asan WERROR=1 tests
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=release WERROR=1 measured
	@BUILD=$(BUILD) tests/run $(T)

# Tests of faults, long; make check runs the same ones short.
soak:
	@contrib/install-packages run build test
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=asan WERROR=1 tests
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=release WERROR=1 measured
	@BUILD=$(BUILD) tests/soak/run $(T)

layers:
	@tests/layers

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')
format-check:
	@clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h')

fuzz:
	@contrib/install-packages run build test
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=fuzz $(FUZZ:%.c=$(BUILD)/fuzz/%)
	@tests/fuzz/run $(BUILD)/fuzz $${SECONDS:-60} $(F)

bench-scan:
	@contrib/install-packages run build test bench
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=release $(BUILD)/release/certmuster-scan $(FLEET:$(B)/%=$(BUILD)/release/%) $(BENCH_BIN:$(B)/%=$(BUILD)/release/%)
	@tests/bench/bench-scan $(BUILD)/release $(PARTS)

bench-watch:
	@contrib/install-packages run build test bench
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=release $(BUILD)/release/certmuster-watch $(BENCH_BIN:$(B)/%=$(BUILD)/release/%)
	@tests/bench/bench-watch $(BUILD)/release $(PARTS)

bench-formats:
	@contrib/install-packages run build test bench
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=release $(BUILD)/release/certmuster-crawl $(BENCH_BIN:$(B)/%=$(BUILD)/release/%)
	@tests/bench/bench-formats $(BUILD)/release $(PARTS)

bench-collector:
	@contrib/install-packages run build test bench
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=release measured
	@tests/bench/bench-collector $(BUILD)/release $(PARTS)

bench:
	@contrib/install-packages run build test bench
	@$(MAKE) --no-print-directory -j$$(nproc) PROFILE=release measured
	@for b in tests/bench/bench-*; do [ ! -x $$b ] || $$b $(BUILD)/release || exit 1; done

check-fresh:
	@tests/fresh/check-fresh

# --- Trying it, installing it -------------------------------------------------------------------------------------------------
quickstart:
	@contrib/install-packages run build
	@$(MAKE) --no-print-directory -j$$(nproc) all $(FLEET)
	@contrib/quickstart/start $(BUILD)/release
quickstart-stop:
	@contrib/quickstart/stop $(BUILD)/release

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/certmuster $(DESTDIR)$(PREFIX)/share/doc/certmuster $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m755 $(BINARIES) $(DESTDIR)$(PREFIX)/bin/
	install -m644 $(wildcard contrib/man/*.1) $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m644 $(wildcard contrib/man/*.5) $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m644 $(wildcard contrib/schema/*.json) $(DESTDIR)$(PREFIX)/share/certmuster/
	install -m644 contrib/openapi.yaml $(DESTDIR)$(PREFIX)/share/doc/certmuster/
	for unit in contrib/systemd/*.service contrib/systemd/*.timer; do sed 's|@PREFIX@|$(PREFIX)|g' $$unit > $(DESTDIR)$(PREFIX)/lib/systemd/system/$$(basename $$unit); done

clean:
	rm -rf $(BUILD)
