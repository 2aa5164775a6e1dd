# stepgrad: `make moons` runs the main job, `make test` the tests, `make help` tells the rest.
# A C11 compiler, make and libm are enough for everything but the tests.

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic
STD ?= -std=c11
# Fused multiply-add would make the last bit depend on the compiler.
NUMBERS = -ffp-contract=off
COMPILE = $(CC) $(STD) $(WARNINGS) $(NUMBERS) $(CFLAGS) $(CPPFLAGS) -Iengine -Iviz -MMD -MP
LDLIBS = -lm
PREFIX ?= /usr/local
VERSION = 0.1.0

ENGINE = $(patsubst engine/%.c,build/engine/%.o,$(wildcard engine/*.c))
VIZ = $(patsubst viz/%.c,build/viz/%.o,$(wildcard viz/*.c))
LESSONS = $(patsubst lessons/%.c,build/lessons/%,$(filter-out lessons/moons.c,$(wildcard lessons/*.c)))
SUITES = $(patsubst tests/%.c,build/tests/%.o,$(wildcard tests/test_*.c))

all: build/moons ## build the engine, the pictures and the programs

moons: build/moons ## train an MLP on two moons, check its gradients, leave pictures in build/moons.out/
	build/moons

test: build/tests/run ## run the tests (installs Criterion, Graphviz and gdb where they are missing)
	build/tests/run

help: ## show this list
	@awk -F ':.*## ' '/^[a-z_.]+:.*## / {printf "make %-24s %s\n", $$1, $$2}' Makefile

clean: ## remove all that was built
	rm -rf build

build/libstepgrad.a: $(ENGINE) $(VIZ)
	rm -f $@ && $(AR) rcs $@ $^

build/moons: build/lessons/moons.o build/libstepgrad.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/lessons/%: build/lessons/%.o build/libstepgrad.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/tests/run: $(SUITES) build/libstepgrad.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS)

build/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

.PHONY: all moons test help clean
.SECONDARY:
-include $(wildcard build/*/*.d)
