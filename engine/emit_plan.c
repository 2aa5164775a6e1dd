/* emit_plan.c - which steps of a program become one loop of C, and what its numbers are called. See emit_parts.h. */
#include <ctype.h>
#include <string.h>

#include "emit_parts.h"

bool plan_is_param(const Plan *plan, size_t place) { return place < plan->program->param_count; }

bool plan_is_constant(const Plan *plan, size_t place)
{
    const Program *program = plan->program;
    return place >= program->param_count + program->input_count && plan->group_of[place - program->param_count] == NULL;
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

/* Whether place q goes on from p as p does from the one before it, if there is one. */
static bool goes_on(const Program *program, const size_t *before, size_t p, size_t q)
{
    return (p < program->param_count) == (q < program->param_count) &&
           program->needs_grad[p] == program->needs_grad[q] && (before == NULL || q - p == p - *before);
}

/* A step's value is number 0; then come all of a, the bias, all of b. */
static size_t place_of(const Step *step, size_t number)
{
    const size_t in_a = step->n + step->has_bias;
    return number == 0 ? step->out : number <= in_a ? step->a[number - 1] : step->b[number - 1 - in_a];
}

static size_t place_count(const Step *step) { return 1 + step->n + step->has_bias + (step->b != NULL ? step->n : 0); }

/* Whether the step after first[0..count) belongs to the same group. */
static bool belongs(const Program *program, const Step *first, size_t count)
{
    const Step *s = first + count - 1, *t = s + 1;
    if (t == program->steps + program->step_count || s->op != t->op || s->n != t->n || s->has_bias != t->has_bias ||
        s->is_neuron != t->is_neuron)
        return false;
    for (size_t i = 0; i < place_count(s); i++) {
        const size_t before = count > 1 ? place_of(s - 1, i) : 0;
        if (!goes_on(program, count > 1 ? &before : NULL, place_of(s, i), place_of(t, i)))
            return false;
    }
    return true;
}

static void find_groups(Plan *plan)
{
    const Program *program = plan->program;
    const Step *end = program->steps + program->step_count;
    size_t of_op[OP_COUNT] = {0};
    for (size_t place = program->param_count; place < program->place_count; place++)
        plan->group_of[place - program->param_count] = NULL;
    for (const Step *step = program->steps; step < end;) {
        Group *group = &plan->groups[plan->group_count++];
        *group = (Group){.first = step, .name.first = step->out};
        while (group->count == 0 || belongs(program, group->first, group->count)) {
            group->count++;
            plan->group_of[step->out - program->param_count] = group;
            group->name.last = step++->out;
        }
        const bool is_loss = step == end && group->count == 1;
        snprintf(group->name.text, NAME_SIZE, is_loss ? "loss" : "%.20s%zu", op_table[group->first->op].name,
                 ++of_op[group->first->op]);
    }
}

/* From places[first] of a group's first step to the second step's, and to the next item. */
static Reach reach_of(const Group *group, size_t number, size_t items)
{
    const Step *step = group->first;
    const size_t place = place_of(step, number);
    return (Reach){place, group->count > 1 ? place_of(step + 1, number) - place : 0,
                   items > 1 ? place_of(step, number + 1) - place : 0};
}

/* Whether item i + 1 of the list that begins with this number goes on from item i, in a run that began with `first`. */
static bool item_goes_on(const Program *program, const Group *group, size_t list, size_t first, size_t i)
{
    const Step *step = group->first;
    const size_t before = i > first ? place_of(step, list + i - 1) : 0;
    return goes_on(program, i > first ? &before : NULL, place_of(step, list + i), place_of(step, list + i + 1)) &&
           reach_of(group, list + i, 1).per_step == reach_of(group, list + i + 1, 1).per_step;
}

Part plan_part(const Plan *plan, const Group *group, size_t first)
{
    const Step *step = group->first;
    const size_t a = 1, b = 1 + step->n + step->has_bias;
    const bool has_b = step->b != NULL;
    size_t last = first;
    while (last + 1 < step->n && item_goes_on(plan->program, group, a, first, last) &&
           (!has_b || item_goes_on(plan->program, group, b, first, last)))
        last++;
    const size_t items = last + 1 - first;
    return (Part){.group = group,
                  .step = step,
                  .first = first,
                  .items = items,
                  .has_b = has_b,
                  .y = reach_of(group, 0, 1),
                  .a = reach_of(group, a + first, items),
                  .b = has_b ? reach_of(group, b + first, items) : (Reach){0},
                  .c = step->has_bias ? reach_of(group, a + step->n, 1) : (Reach){0}};
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const char keywords[] =
    " _Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert _Thread_local alignas "
    "alignof asm auto bool break case char const constexpr continue default do double else enum extern false float for "
    "goto if inline int long nullptr register restrict return short signed sizeof static static_assert struct switch "
    "thread_local true typedef typeof typeof_unqual union unsigned void volatile while ";

/* What the code calls its own. */
static const char own_words[] =
    " Lanes LayerShape NOINLINE Room all_finite constants count data first grad gradients i j k layer_gradients "
    "layer_values loss losses main memcpy memset neuron_values params product push_carefully push_to_bias "
    "push_to_input push_to_weights room room_of_thread rows run_block samples seed size_t turn_inputs x ";

static bool is_among(const char *words, const char *name)
{
    char spaced[NAME_SIZE + 2];
    snprintf(spaced, sizeof spaced, " %s ", name);
    return strstr(words, spaced) != NULL;
}

/* Two capitals side by side may be a macro, as in NULL, and the functions of ops end as those three. */
bool plan_is_free_name(const char *name)
{
    static const char letters[] = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const size_t length = strlen(name);
    const char *end = strrchr(name, '_');
    if (length == 0 || length >= NAME_SIZE || strspn(name, letters) < length || isdigit((unsigned char)name[0]))
        return false;
    for (size_t i = 1; i < length; i++)
        if (isupper((unsigned char)name[i - 1]) && isupper((unsigned char)name[i]))
            return false;
    return !is_among(keywords, name) && !is_among(own_words, name) &&
           (end == NULL || !is_among(" _forward _da _db ", end));
}

/* What a label begins with: w1 of "w1[0,0]". */
static void stem_of(const Value *param, char stem[NAME_SIZE])
{
    const char *label = param->label != NULL ? param->label : "";
    snprintf(stem, NAME_SIZE, "%.*s", (int)strcspn(label, "[("), label);
}

static const Name *find_name(const Plan *plan, const char *text)
{
    for (size_t i = 0; i < plan->name_count; i++)
        if (strcmp(plan->names[i].text, text) == 0)
            return &plan->names[i];
    return NULL;
}

static bool is_group_name(const Plan *plan, const char *text)
{
    for (size_t i = 0; i < plan->group_count; i++)
        if (strcmp(plan->groups[i].name.text, text) == 0)
            return true;
    return false;
}

static void find_names(Plan *plan)
{
    const Program *program = plan->program;
    for (size_t i = 0; i < program->param_count && plan->name_count < NAMES_MOST; i++) {
        const char *label = program->params[i]->label;
        Name name = {.first = i, .last = i};
        stem_of(program->params[i], name.text);
        if (label != NULL && strcmp(label, name.text) != 0)
            name.last = program->param_count - 1; /* one of several, or so it says */
        if (find_name(plan, name.text) == NULL && plan_is_free_name(name.text) && !is_group_name(plan, name.text))
            plan->names[plan->name_count++] = name;
    }
    plan->inputs = (Name){"x", program->param_count, program->param_count + program->input_count - 1};
    plan->nameless = (Name){"", program->param_count, program->place_count};
}

const Name *plan_name(const Plan *plan, size_t place)
{
    const Program *program = plan->program;
    char stem[NAME_SIZE];
    if (plan_is_param(plan, place)) {
        stem_of(program->params[place], stem);
        const Name *name = find_name(plan, stem);
        return name != NULL ? name : &plan->nameless_param;
    }
    if (place < program->param_count + program->input_count)
        return &plan->inputs;
    return plan_is_constant(plan, place) ? &plan->nameless : &plan->group_of[place - program->param_count]->name;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

bool plan_make(Plan *plan, const Program *program)
{
    *plan = (Plan){.program = program};
    plan->groups = memory_alloc_array(program->step_count, sizeof *plan->groups);
    plan->group_of = memory_alloc_array(program->place_count - program->param_count, sizeof(Group *));
    if (plan->groups == NULL || plan->group_of == NULL) {
        plan_free(plan);
        return false;
    }
    find_groups(plan);
    find_names(plan);
    return true;
}

void plan_free(Plan *plan)
{
    memory_free(plan->groups);
    memory_free(plan->group_of);
}
