# stepgrad: `make moons` runs the main job, `make test` the tests, `make help` lists the rest.
# A C11 compiler, make and libm are enough for everything but the tests.

CC ?= cc
ifdef DEBUG
# `make DEBUG=1`: for stepping; released nodes are filled with NaN.
CFLAGS ?= -O0 -g3 -DSTEPGRAD_DEBUG
BUILD ?= build/debug
endif
CFLAGS ?= -O2 -g
STD ?= -std=c11
WARNINGS ?= -Wall -Wextra -Wpedantic
# A fused multiply-add would make the last bit depend on the compiler and the machine.
NUMBERS = -ffp-contract=off
INCLUDE = -Iengine -Iviz
FLAGS = $(STD) $(WARNINGS) $(NUMBERS) $(CFLAGS) $(CPPFLAGS) $(INCLUDE)
COMPILE = $(CC) $(FLAGS) -MMD -MP
# Threads for replay.h, where the compiler has OpenMP and a library for it.
OPENMP := $(shell echo 'int main(void) { return 0; }' | $(CC) -fopenmp -x c -o /dev/null - 2>/dev/null && echo -fopenmp)
LINK = $(CC) $(CFLAGS) $(LDFLAGS) $(OPENMP)
# What the library needs: libm, and where dlopen is not in libc (glibc before 2.34) libdl for engine/emit_load.c.
LIBS := -lm $(shell echo 'int dlclose(void *); int main(void) { return dlclose(0); }' | \
  $(CC) -x c -o /dev/null - 2>/dev/null || echo -ldl)

PREFIX ?= /usr/local
# What `make lesson`, `make diff` and `make gdb` are about: a lesson, 05; for make gdb also a program or a test.
L ?= moons
LESSON = $(basename $(notdir $(firstword $(wildcard lessons/0$(L)_*.c lessons/$(L)*.c))))
LESSON_FOLDER = $(BUILD)/lessons/$(firstword $(subst _, ,$(LESSON)))
VERSION = 0.1.0
# Everything built goes below here; `make BUILD=build/clang CC=clang` keeps a second build beside the first.
BUILD ?= build
$(BUILD)/lessons/labs/%.o $(BUILD)/tests/%.o compile_commands.json: INCLUDE += $(LAB_INCLUDE) -Itests

PROGRAMS = viz/draw/draw.c
LIBRARY = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(PROGRAMS),$(wildcard engine/*.c viz/*/*.c))) \
  $(BUILD)/viz/player/player_page.o
SHARED = $(patsubst $(BUILD)/%.o,$(BUILD)/shared/%.o,$(LIBRARY))
SUITES = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/test_*.c))
FUZZ_TARGETS = $(filter-out %/replay_inputs,$(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c)))
LIB = $(BUILD)/libstepgrad.a
BENCH = $(BUILD)/tests/benchmark/bench
COUNTED = $(BUILD)/tests/benchmark/counted
# In a debug build moons and the lessons get the whole library, so that gdb can call what they do not.
LINKED = $(if $(DEBUG),$(LIBRARY),$(LIB))
# Programs that are linked with the shared library ask for its name with the ABI's number; -lstepgrad finds the link.
ABI = $(firstword $(subst ., ,$(VERSION)))
ifeq ($(shell uname -s),Darwin)
SHARED_LIB = $(BUILD)/libstepgrad.$(ABI).dylib
SHARED_LINK = $(BUILD)/libstepgrad.dylib
SONAME = -dynamiclib -Wl,-install_name,@rpath/$(notdir $(SHARED_LIB)) -Wl,-headerpad_max_install_names
else
SHARED_LIB = $(BUILD)/libstepgrad.so.$(ABI)
SHARED_LINK = $(BUILD)/libstepgrad.so
SONAME = -shared -Wl,-soname,$(notdir $(SHARED_LIB))
endif
# Homebrew keeps Criterion where compilers do not look.
CRITERION := $(wildcard $(addsuffix /opt/criterion,$(shell brew --prefix 2>/dev/null)))
# For a target that needs a tool: $(call need,tool,package).
need = @command -v $(1) >/dev/null || { echo "make $@ needs $(1): install the package $(2)."; exit 1; }

.PHONY: all moons test check bench prove hash help clean install uninstall

all: $(BUILD)/moons $(BUILD)/draw lib ## build the libraries and the programs

moons: $(BUILD)/moons ## train an MLP on two moons, check its gradients, leave pictures in build/moons.out/
	$(BUILD)/moons $(if $(filter-out build,$(BUILD)),--out "$(BUILD)/moons.out")

test: ## install what the tests need if it is missing (saying so first), then run them
	@sh tests/install_needs.sh
	@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)) check

CHAPTERS = $(patsubst %.c,$(BUILD)/%,$(wildcard lessons/[0-9][0-9]_*.c))

# With + the tests that call make get its jobs.
check: $(CHAPTERS) $(BUILD)/tests/run $(BUILD)/tests/slips $(BUILD)/tests/check_graphs $(BUILD)/moons $(BUILD)/draw $(BUILD)/grade $(BUILD)/answers $(if $(LONG),$(BENCH)) ## run the tests with what is there, or some of them: FILTER='graph/*'
	+@BUILD=$(BUILD) sh tests/run_tests.sh $(if $(FILTER),--filter '$(FILTER)')

lessons: $(LIB) ## run every chapter of the course
	@for chapter in lessons/[0-9][0-9]_*.c; do \
	  number=$${chapter#lessons/}; $(MAKE) --no-print-directory lesson L=$${number%%_*} || exit 1; done

lesson: $(if $(LESSON),$(BUILD)/lessons/$(LESSON) $(if $(shell grep -l ' build/draw ' lessons/$(LESSON).c),$(BUILD)/draw)) ## run one: make lesson L=05; its pictures go to build/lessons/05/
	@test -n "$(LESSON)" || { echo "Which lesson? make lesson L=05"; exit 1; }
	@mkdir -p "$(LESSON_FOLDER)"
	@echo "== lessons/$(LESSON).c"
	@$(BUILD)/lessons/$(LESSON) $(LESSON_FOLDER)
	@sh lessons/draw.sh "$(BUILD)" lessons/$(LESSON).c "$(LESSON_FOLDER)"

diff: ## show the code that a chapter adds to the one before it: make diff L=04
	@test -n "$(LESSON)" || { echo "Which lesson? make diff L=04"; exit 1; }
	@mkdir -p "$(BUILD)/lessons/code"
	@for chapter in $$(ls lessons/[0-9][0-9]_*.c | grep -B1 "/$(LESSON).c"); do \
	  before=$${after:-/dev/null}; after=$${chapter#lessons/}; \
	  sed -e '1,/\*\//d' -e '/^\/\* Exercises/,$$d' $$chapter >"$(BUILD)/lessons/code/$$after"; done; \
	cd "$(BUILD)/lessons/code" && diff -u "$$before" "$$after" || test $$? = 1

one_page: $(BUILD)/lessons/one_page ## the whole engine on one page: train on two moons with it
	@$(BUILD)/lessons/one_page
.PHONY: lessons lesson diff one_page

# Open MPI wants to be told that it may start more processes than there are processors, and that root may.
RANKS ?= 2
moons_mpi: $(BUILD)/moons_mpi ## train on two moons with several processes, RANKS=2, on one machine or more (needs MPI)
	$(call need,mpirun,openmpi-bin)
	@allow=; case "$$(mpirun --version 2>&1)" in *'Open MPI'*) \
	  test $(RANKS) -le "$$(getconf _NPROCESSORS_ONLN)" || allow=--oversubscribe; \
	  test "$$(id -u)" != 0 || allow="$$allow --allow-run-as-root" ;; esac; \
	set -x; mpirun $$allow -n $(RANKS) $(BUILD)/moons_mpi
.PHONY: moons_mpi

gdb: ## step through L=05 (a lesson), L=moons, or L=suite/test in gdb with the grad commands loaded
	$(call need,gdb,gdb)
	$(if $(findstring /,$(L)),$(call need,gdbserver,gdbserver))
	@test -n "$(LESSON)$(filter moons draw,$(L))$(findstring /,$(L))" || { echo "Which lesson? make gdb L=05"; exit 1; }
	@$(MAKE) --no-print-directory DEBUG=1 BUILD=build/debug $(if $(findstring /,$(L)),build/debug/tests/run,$(if \
	  $(filter moons draw,$(L)),build/debug/$(L),build/debug/lessons/$(LESSON)))
	@sh viz/debug/start_gdb.sh build/debug "$(or $(LESSON),$(L))"
.PHONY: gdb

book: $(if $(shell command -v pandoc),$(CHAPTERS) $(BUILD)/draw) ## make the course a book of HTML pages, build/book/index.html (needs pandoc 2.17)
	$(call need,pandoc,pandoc)
	@sh lessons/book/make_book.sh "$(BUILD)"
pdf: book ## print the book, build/book/stepgrad.pdf (needs Chromium, Chrome or TeX)
	@sh lessons/book/make_pdf.sh "$(BUILD)"
.PHONY: book pdf

gallery: $(BUILD)/draw ## write build/gallery.html: a diagram of everything that draw can show
	@sh viz/draw/gallery.sh "$(BUILD)"
.PHONY: gallery

cheat_sheet: $(BUILD)/draw ## write the table of ops in lessons/README.md again, from engine/ops.h
	@$(BUILD)/draw --ops >$(BUILD)/ops.md
	@awk 'NR == FNR { table = table $$0 "\n"; next } /^\| op \| y/ { printf "%s", table; inside = 1 } \
	  !/^\|/ { inside = 0 } !inside' $(BUILD)/ops.md lessons/README.md >$(BUILD)/README.md
	@cp $(BUILD)/README.md lessons/README.md
.PHONY: cheat_sheet

bench: $(BENCH) $(COUNTED) ## time the engine beside hand-written C, PyTorch and NumPy: four minutes, or QUICK=1; PYTHON=... has them
	@CC="$(CC)" FLAGS="$(strip $(CFLAGS) $(NUMBERS) $(CPPFLAGS))" sh tests/benchmark/run.sh "$(BUILD)" $(if $(QUICK),--quick)

prove: ## put the sources through faults, fuzzing, mutants, every compiler: hours, goes on where it stopped; ROWS='disk fuzz'
	@BUILD="$(BUILD)" ROWS="$(ROWS)" sh tests/prove/prove.sh

hash: ## show that the gradients have the same bits for each compiler and optimisation level
	@sh tests/same_bits.sh

format: ## lay out every C file with clang-format
	$(call need,clang-format,clang-format)
	@clang-format -i $(SOURCES) $(HEADERS)

tidy: compile_commands.json ## let clang-tidy judge every C file of engine, viz and the labs by the checks in .clang-tidy
	$(call need,clang-tidy,clang-tidy)
	@echo $(filter engine/% viz/% lessons/labs/%,$(SOURCES)) | tr ' ' '\n' | xargs -n 4 -P "$$(getconf _NPROCESSORS_ONLN)" clang-tidy --quiet 2>/dev/null
.PHONY: format tidy

lib: $(LIB) $(SHARED_LIB) ## the static and the shared library
.PHONY: lib

help: ## show this list
	@awk -F ':.*## ' '/^[a-z_.-]+:.*## / {printf "make %-24s %s\n", $$1, $$2}' $(filter Makefile %.mk,$(MAKEFILE_LIST))

clean: ## remove all that was built
	rm -rf build compile_commands.json

include lessons/labs/labs.mk

# ---- what is built ---------------------------------------------------------------------------------------------------

$(LIB): $(LIBRARY)
	rm -f $@ && $(AR) rcs $@ $^

$(SHARED_LIB): $(SHARED)
	$(LINK) $(SONAME) -o $@ $^ $(LIBS)
	ln -sf $(notdir $@) $(SHARED_LINK)

$(BUILD)/moons: $(patsubst %.c,$(BUILD)/%.o,$(wildcard lessons/moons/*.c)) $(LINKED)
	$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/moons_mpi: lessons/moons_mpi.c $(LIB)
	$(call need,mpicc,libopenmpi-dev)
	OMPI_CC="$(CC)" MPICH_CC="$(CC)" mpicc $(FLAGS) $(LDFLAGS) $(OPENMP) -o $@ $^ $(LIBS)

# A chapter that includes nothing of the engine gets none, also in a debug build: the grad commands then say so.
$(BUILD)/lessons/%: $(BUILD)/lessons/%.o $(LINKED)
	$(LINK) -o $@ $(if $(shell grep -l '^#include "' lessons/$*.c),$^,$<) $(LIBS)

$(BUILD)/draw: $(BUILD)/viz/draw/draw.o $(LIB)
	$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/tests/check_graphs: $(BUILD)/tests/check_graphs.o $(BUILD)/tests/adg.o $(LIB)
	$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/tests/player_pages: $(BUILD)/tests/browser/player_pages.o $(LIB)
	$(LINK) -o $@ $^ $(LIBS)

COMPETITORS = by_hand.o tape.o
BENCH_PARTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/benchmark/*.c))
$(BENCH): $(BENCH_PARTS) $(LIB)
$(COUNTED): $(filter-out $(addprefix %/,$(COMPETITORS)),$(BENCH_PARTS)) $(addprefix $(BUILD)/tests/benchmark/counted_,$(COMPETITORS)) $(LIB)
$(BENCH) $(COUNTED):
	$(LINK) -o $@ $^ $(LIBS)

# Tests are compiled without optimisation, which would take most of the time to build them; flags that are given hold.
ifeq ($(origin CFLAGS)$(DEBUG),file)
$(SUITES) $(FUZZ_TARGETS:%=%.o): CFLAGS = -O0 -g
endif
$(SUITES) $(BUILD)/tests/guard.o: COMPILE += $(CRITERION:%=-isystem %/include)

$(BUILD)/tests/run: LINK += $(CRITERION:%=-L%/lib)
$(BUILD)/tests/run: $(SUITES) $(BUILD)/tests/adg.o $(BUILD)/tests/guard.o $(LAB_OBJECTS) $(LIB)
	$(LINK) -o $@ $^ -lcriterion $(LIBS)

# The debug build of the engine, and a program full of slips. The sessions of chapters in gdb take the engine, too.
$(BUILD)/tests/run: | $(BUILD)/tests/debug/engine.a
$(BUILD)/tests/slips: tests/slips.c $(BUILD)/tests/debug/engine.a $(wildcard engine/*.h)
	$(filter-out -MMD -MP,$(DEBUG_COMPILE)) $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)

DEBUG_COMPILE = $(COMPILE) -O0 -DSTEPGRAD_DEBUG
$(BUILD)/tests/debug/engine.a: $(patsubst %.c,$(BUILD)/tests/debug/%.o,$(wildcard engine/*.c))
	rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/tests/debug/%.o: %.c
	@mkdir -p "$(@D)"
	$(DEBUG_COMPILE) -c -o $@ $<

# The library with the ops of lab 10 in its engine, and draw with it: for tests that run where LONG is set.
$(BUILD)/tests/run: | $(if $(LONG),$(BUILD)/tests/draw_own)
OWN_COMPILE = $(COMPILE) -O0 -DSTEPGRAD_OWN_OPS_FILE='"own_ops.h"'
$(BUILD)/tests/draw_own: $(BUILD)/tests/own/viz/draw/draw.o $(BUILD)/tests/own/library.a
	$(LINK) -o $@ $^ $(LIBS)
$(BUILD)/tests/own/library.a: $(patsubst $(BUILD)/%,$(BUILD)/tests/own/%,$(LIBRARY) $(BUILD)/lessons/labs/lab10.o)
	rm -f $@ && $(AR) rcs $@ $^
$(BUILD)/tests/own/%.o: %.c
	@mkdir -p "$(@D)"
	$(OWN_COMPILE) -c -o $@ $<
$(BUILD)/tests/own/viz/player/player_page.o: $(BUILD)/viz/player/player_page.c
	@mkdir -p "$(@D)"
	$(OWN_COMPILE) -c -o $@ $<

# Each fuzz target as a program that replays inputs. For libFuzzer tests/prove/fuzz.sh sets FUZZ_MAIN to nothing.
FUZZ_MAIN = $(BUILD)/tests/fuzz/replay_inputs.o
$(BUILD)/tests/run: | $(FUZZ_TARGETS)
fuzz_targets: $(FUZZ_TARGETS)
.PHONY: fuzz_targets
$(BUILD)/tests/fuzz/golden: $(BUILD)/tests/adg.o
$(BUILD)/tests/fuzz/channel $(BUILD)/tests/fuzz/student_source: $(LAB_OBJECTS)
$(FUZZ_TARGETS): %: %.o $(FUZZ_MAIN) $(LIB)
	$(LINK) -o $@ $(filter %.o,$^) $(LIB) $(LIBS)

# The competitors get all that the compiler has; but valgrind, which counts their instructions, knows no AVX-512.
$(addprefix $(BUILD)/tests/benchmark/,$(COMPETITORS)): CFLAGS = -O3 -march=native -g
$(BUILD)/tests/benchmark/counted_%.o: CFLAGS = -O3 -march=native $(if $(filter x86_64,$(shell uname -m)),-mno-avx512f) -g
$(BUILD)/tests/benchmark/counted_%.o: tests/benchmark/%.c
	$(COMPILE) -c -o $@ $<

# Loops for vectors: an optimised build gives them all it has. None of these flags changes a number.
REPLAY = $(foreach file,$(1),$(BUILD)/engine/replay_$(file).o $(BUILD)/shared/engine/replay_$(file).o)
$(call REPLAY,run libm vmath threads): COMPILE += -DSTEPGRAD_VECTORS $(patsubst -O2,-O3,$(filter -O2,$(CFLAGS)))
$(call REPLAY,vmath): COMPILE += -fno-math-errno -fno-trapping-math
$(call REPLAY,threads): COMPILE += $(OPENMP)

$(BUILD)/shared/%.o: %.c
	@mkdir -p "$(@D)"
	$(COMPILE) -fPIC -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p "$(@D)"
	$(COMPILE) -c -o $@ $<

# The page that player_write fills in, as strings of C: one array per part, one string per line. The scripts follow one
# another, the layout apart, because only pages without dot need it. Style and scripts go without comments and
# indentation: a page is to be small. Beside them goes what they compute with: a line per function of engine/ops.h.
PLAYER_SCRIPTS = $(patsubst %,viz/player/player_%.js,c live words picture leaves) viz/player/player.js
PLAYER_PARTS = $(addprefix viz/player/player,.html .css _layout.js) $(PLAYER_SCRIPTS) engine/ops.h
LINES_AS_C = sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/.*/    "&\\n",/'
BARE_LINES = sed -e 's/^ *//' -e 's: */\*.*\*/$$::' -e '/^\/\*/,/\*\/$$/d' -e '/^$$/d'
FUNCTIONS_OF_OPS = sed -n -e '/^static inline/!d' -e 's: */\*.*\*/::' -e '/}$$/b whole' -e ':more' -e N \
  -e '/\n}$$/!b more' -e ':whole' -e 's/^static inline //;s: */\*[^*]*\*/::g;s/\n */ /g;p'

$(BUILD)/viz/player/player_page.c: $(PLAYER_PARTS)
	@mkdir -p "$(@D)"
	@array() { echo "const char *const player_page_$$1[] = {" && $(LINES_AS_C) && echo '    0};'; } && { \
	array html <viz/player/player.html && \
	$(BARE_LINES) viz/player/player.css | array css && \
	cat $(PLAYER_SCRIPTS) | $(BARE_LINES) | array js && \
	$(BARE_LINES) viz/player/player_layout.js | array layout && \
	$(FUNCTIONS_OF_OPS) engine/ops.h | array functions; } >$@.part && mv $@.part $@

$(BUILD)/viz/player/player_page.o: $(BUILD)/viz/player/player_page.c
	$(COMPILE) -c -o $@ $<

$(BUILD)/shared/viz/player/player_page.o: $(BUILD)/viz/player/player_page.c
	@mkdir -p "$(@D)"
	$(COMPILE) -fPIC -c -o $@ $<

SOURCES = $(sort $(wildcard engine/*.c viz/*/*.c lessons/*.c lessons/*/*.c lessons/labs/*/*.c tests/*.c tests/*/*.c))
HEADERS = $(wildcard engine/*.h viz/*/*.h lessons/*/*.h lessons/labs/*/*.h tests/*.h tests/*/*.h)

# For editors and clang tools: one entry per source, with the flags that it is really compiled with.
compile_commands.json: Makefile $(SOURCES) ## for clangd and other tools
	@{ echo '['; for source in $(SOURCES); do \
	  test "$$source" = "$(firstword $(SOURCES))" || echo ','; \
	  printf '  {"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$(CURDIR)" "$$source" \
	    "$(filter-out -MMD -MP,$(COMPILE))" "$$source"; \
	done; echo; echo ']'; } >$@

install: all ## install headers, libraries and the pkg-config file below PREFIX (and DESTDIR)
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/include/stepgrad" "$(DESTDIR)$(PREFIX)/lib/pkgconfig"
	install -m 755 $(BUILD)/draw "$(DESTDIR)$(PREFIX)/bin/stepgrad-draw"
	install -m 644 $(filter-out %_parts.h,$(wildcard engine/*.h)) "$(DESTDIR)$(PREFIX)/include/stepgrad"
	for room in graph player plot draw; do \
	  install -d "$(DESTDIR)$(PREFIX)/include/stepgrad/$$room" && \
	  install -m 644 viz/$$room/*.h "$(DESTDIR)$(PREFIX)/include/stepgrad/$$room" || exit 1; done
	install -m 644 $(LIB) "$(DESTDIR)$(PREFIX)/lib"
	install -m 755 $(SHARED_LIB) "$(DESTDIR)$(PREFIX)/lib"
	ln -sf $(notdir $(SHARED_LIB)) "$(DESTDIR)$(PREFIX)/lib/$(notdir $(SHARED_LINK))"
	$(if $(filter %.dylib,$(SHARED_LIB)),install_name_tool -id "$(PREFIX)/lib/$(notdir $(SHARED_LIB))" "$(DESTDIR)$(PREFIX)/lib/$(notdir $(SHARED_LIB))")
	@case "$(PREFIX)" in /*) prefix="$(PREFIX)" ;; *) prefix="$(CURDIR)/$(PREFIX)" ;; esac; \
	printf '%s\n' "prefix=$$prefix" 'Name: stepgrad' 'Version: $(VERSION)' \
	  'Description: backpropagation you can step through: a scalar autodiff engine' \
	  'Cflags: -I"$${prefix}/include/stepgrad" $(NUMBERS)' 'Libs: -L"$${prefix}/lib" -lstepgrad -lm' 'Libs.private: $(OPENMP) $(filter -ldl,$(LIBS))' \
	  >"$(DESTDIR)$(PREFIX)/lib/pkgconfig/stepgrad.pc"

uninstall: ## remove what install put there
	rm -rf "$(DESTDIR)$(PREFIX)/include/stepgrad"
	rm -f "$(DESTDIR)$(PREFIX)/bin/stepgrad-draw" "$(DESTDIR)$(PREFIX)/lib/libstepgrad."* \
	  "$(DESTDIR)$(PREFIX)/lib/pkgconfig/stepgrad.pc"

.SECONDARY:
-include $(wildcard $(addprefix $(BUILD)/,*/*.d */*/*.d */*/*/*.d */*/*/*/*.d */*/*/*/*/*.d))
