# What a teacher does with the labs. Included by the Makefile; lessons/labs/README.md explains it.

# Tasks of the teacher's own, in one file; what is built with them goes to a folder of its own.
PRIVATE ?= $(wildcard lessons/labs/private/lab0.c)
# The table of points, visibility and deadlines.
TERMS ?= lessons/labs/terms.txt
JOBS ?= 2
LAB_INCLUDE = -Ilessons/labs -Ilessons/labs/check -Ilessons/labs/grader -Ilessons/labs/own

# Names as they were typed, for the shell: make would take a $ in them for a variable.
override OUT := $(value OUT)
override SUBMISSION := $(value SUBMISSION)
override SUBMISSIONS := $(value SUBMISSIONS)
override RESULTS := $(value RESULTS)
export OUT SUBMISSION SUBMISSIONS RESULTS

LAB_BUILD = $(BUILD)$(if $(PRIVATE),/private)
# What goes into a student's folder, and what the grader compiles submissions with.
KIT = $(if $(PRIVATE),$(LAB_BUILD)/kit,lessons/labs)
LAB_PROGRAMS = $(addprefix lessons/labs/,check/check.c check/debug.c check/worker.c grader/grade.c grader/answers_main.c \
  grader/check_private.c)
LAB_SOURCES = $(filter-out $(LAB_PROGRAMS),$(wildcard lessons/labs/lab*.c lessons/labs/check/*.c lessons/labs/grader/*.c))
LAB_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(LAB_SOURCES))
PRIVATE_OBJECTS = $(patsubst %.c,$(BUILD)/private/%.o,$(LAB_SOURCES)) $(BUILD)/private/lab0.o
PRIVATE_CHECKED = $(if $(PRIVATE),$(BUILD)/private/private.checked)
GRADE = $(LAB_BUILD)/grade --kit "$(KIT)" --terms "$(TERMS)" $(if $(LAB),--lab "$(LAB)")

.PHONY: handout grade grade-check gradescope.zip class FORCE

handout: $(LAB_BUILD)/answers $(PRIVATE_CHECKED) ## make the folder that students get: make handout OUT=folder [LAB=3] [SEED=2] [PRIVATE=file.c]
	@test -n "$$OUT" || { echo "Where to? make handout OUT=folder" >&2; exit 1; }
	@BUILD="$(LAB_BUILD)" sh lessons/labs/handout.sh $(if $(LAB),--lab "$(LAB)") "$$OUT" $(if $(SEED),"$(SEED)")

grade: $(LAB_BUILD)/grade $(PRIVATE_CHECKED) ## grade one submission: make grade SUBMISSION=folder [RESULTS=file] [LAB=3] [SEED=number] [SUBMITTED=time] [TERMS=file]
	@test -n "$$SUBMISSION" || { echo "Which submission? make grade SUBMISSION=folder" >&2; exit 1; }
	@rm -f "$${RESULTS:-results.json}" # if grade refuses its options, none of an earlier submission are left
	@$(GRADE) $(if $(SEED),--seed "$(SEED)") $(if $(SUBMITTED),--submitted "$(SUBMITTED)") "$$SUBMISSION" "$${RESULTS:-results.json}"

class: $(LAB_BUILD)/grade $(PRIVATE_CHECKED) ## grade a folder of submissions: make class SUBMISSIONS=folder [RESULTS=folder] [JOBS=2] [LAB=3] [TERMS=file]
	@test -n "$$SUBMISSIONS" || { echo "Which folder of submissions? make class SUBMISSIONS=folder" >&2; exit 1; }
	@sh lessons/labs/class.sh "$$SUBMISSIONS" "$$RESULTS" "$(JOBS)" $(GRADE)

grade-check: $(LAB_BUILD)/grade $(PRIVATE_CHECKED) ## show which walls stand between a submission and the grader on this machine
	@$(GRADE) --walls

gradescope.zip: ## pack the grader for Gradescope: make gradescope.zip [LAB=3] [TERMS=file] [PRIVATE=file.c]
	@sh lessons/labs/gradescope/pack.sh "$(BUILD)" "$(TERMS)" "$(PRIVATE)" "$(LAB)"

# ---- what is built ---------------------------------------------------------------------------------------------------

$(BUILD)/grade: $(BUILD)/lessons/labs/grader/grade.o $(LAB_OBJECTS) $(LIB)
	$(LINK) -o $@ $^ -lm

$(BUILD)/answers: $(BUILD)/lessons/labs/grader/answers_main.o $(LAB_OBJECTS) $(LIB)
	$(LINK) -o $@ $^ -lm

# A folder as students get it, with its program built: the tests of it begin with copies. (make -n, too, runs a line that
# calls make, and then there is no folder.)
$(BUILD)/tests/run: | $(BUILD)/tests/handout.made
$(BUILD)/tests/handout.made: $(BUILD)/answers lessons/labs/handout.sh lessons/labs/lab.h \
  $(wildcard lessons/labs/*.awk lessons/labs/lab*.c lessons/labs/check/* lessons/labs/own/*) \
  $(shell find lessons/labs/handout -type f)
	@mkdir -p $(@D) && rm -rf $(@D)/handout
	@BUILD=$(BUILD) sh lessons/labs/handout.sh $(@D)/handout 7 >$@.part
	@test ! -d $(@D)/handout || $(MAKE) --no-print-directory -C $(@D)/handout build/check
	@mv $@.part $@

# The same with the private tasks. Only what changes in private.h and lab0.c makes it anew, whatever file they are from.
$(BUILD)/private/grade: $(BUILD)/private/lessons/labs/grader/grade.o $(PRIVATE_OBJECTS) $(LIB)
	$(LINK) -o $@ $^ -lm

$(BUILD)/private/answers: $(BUILD)/private/lessons/labs/grader/answers_main.o $(PRIVATE_OBJECTS) $(LIB)
	$(LINK) -o $@ $^ -lm

$(BUILD)/private/check_private: $(BUILD)/private/lessons/labs/grader/check_private.o $(PRIVATE_OBJECTS) $(LIB)
	$(LINK) -o $@ $^ -lm

$(BUILD)/private/private.checked: $(BUILD)/private/check_private $(BUILD)/private/kit.made
	@$< || { echo "in $(PRIVATE)" >&2; exit 1; }
	@touch $@

$(BUILD)/private/private.h $(BUILD)/private/lab0.c: FORCE
	@mkdir -p "$(@D)"
	@awk -v part=$(patsubst .%,%,$(suffix $@)) -f lessons/labs/private.awk "$(PRIVATE)" >$@.part || { rm -f $@ $@.part; exit 1; }
	@cmp -s $@.part $@ && rm $@.part || mv $@.part $@

$(BUILD)/private/lab0.o: $(BUILD)/private/lab0.c $(BUILD)/private/private.h
	$(COMPILE) -I$(BUILD)/private -c -o $@ $<

$(BUILD)/private/%.o: INCLUDE += $(LAB_INCLUDE)
$(BUILD)/private/lessons/labs/%.o: lessons/labs/%.c $(BUILD)/private/private.h
	@mkdir -p "$(@D)"
	$(COMPILE) -I$(BUILD)/private -c -o $@ $<

$(BUILD)/private/kit.made: lessons/labs/lab.h $(wildcard lessons/labs/check/*) $(BUILD)/private/private.h \
  $(BUILD)/private/lab0.c
	@rm -rf $(BUILD)/private/kit && mkdir -p $(BUILD)/private/kit $(BUILD)/private/reference
	@cp "$(PRIVATE)" $(BUILD)/private/reference/lab0.c
	@cp -R lessons/labs/lab.h lessons/labs/check $(BUILD)/private/private.h $(BUILD)/private/kit
	@touch $@

-include $(wildcard $(BUILD)/private/*.d $(BUILD)/private/lessons/labs/*.d $(BUILD)/private/lessons/labs/*/*.d)
