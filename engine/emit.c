/* emit.c - a program's loops (emit_plan.c) as C code. See emit.h. */
#include "emit.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "emit_parts.h"
#include "file.h"
#include "number.h"

typedef struct Emitter {
    FILE *out;
    int depth; /* of the next line */
    Plan plan;
} Emitter;

static void put(const Emitter *e, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(const Emitter *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(e->out, format, arguments);
    va_end(arguments);
}

static void put_margin(const Emitter *e) { put(e, "%*s", 4 * e->depth, ""); }

/* A loop over i or j, unless there is one turn only. */
static void open_loop(Emitter *e, char index, size_t count, bool down)
{
    if (count == 1)
        return;
    put_margin(e);
    if (down)
        put(e, "for (size_t %c = %zu; %c-- > 0;) {\n", index, count, index);
    else
        put(e, "for (size_t %c = 0; %c < %zu; %c++) {\n", index, index, count, index);
    e->depth++;
}

static void close_loop(Emitter *e, size_t count)
{
    if (count == 1)
        return;
    e->depth--;
    put_margin(e);
    put(e, "}\n");
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* " + 33 * i", or without " + " where nothing stands before it. */
static void put_stride(const Emitter *e, bool *has_before, size_t stride, char index)
{
    const bool negative = stride > SIZE_MAX / 2;
    const size_t size = negative ? 0 - stride : stride;
    if (size == 0)
        return;
    put(e, "%s", !negative ? (*has_before ? " + " : "") : *has_before ? " - " : "-");
    if (size > 1)
        put(e, "%zu * ", size);
    put(e, "%c", index);
    *has_before = true;
}

/* "2 + 33 * i + j", behind a name and " + " if there is one. */
static void put_index(const Emitter *e, const Reach *reach, const char *name)
{
    const size_t offset = reach->place - plan_name(&e->plan, reach->place)->first;
    bool has_before = name[0] != '\0';
    put(e, "%s", name);
    if (offset > 0 || (!has_before && reach->per_step == 0 && reach->per_item == 0)) {
        put(e, has_before ? " + %zu" : "%zu", offset);
        has_before = true;
    }
    put_stride(e, &has_before, reach->per_step, 'i');
    put_stride(e, &has_before, reach->per_item, 'j');
}

/* "params[w1 + 3 * i]" or "data[x + j][k]"; their gradients "gradients[w1 + 3 * i]" or "grad[x + j][k]". */
static void put_number(const Emitter *e, const Reach *reach, bool is_gradient, const char *lane)
{
    const bool is_param = plan_is_param(&e->plan, reach->place);
    put(e, "%s[", is_param ? (is_gradient ? "gradients" : "params") : is_gradient ? "grad" : "data");
    put_index(e, reach, plan_name(&e->plan, reach->place)->text);
    put(e, "]%s", is_param ? "" : lane);
}

static const Reach *reach_by_letter(const Part *part, int letter)
{
    return letter == 'a' ? &part->a : letter == 'b' ? &part->b : letter == 'c' ? &part->c : &part->y;
}

/* What a letter of a template stands for. */
static void put_letter(const Emitter *e, const Part *part, int letter, bool is_gradient)
{
    Reach reach = *reach_by_letter(part, tolower(letter));
    if (letter == 'n')
        put(e, "%zu", part->step->n);
    else if (letter == 'f')
        put(e, "%s", op_table[part->step->op].name);
    else if (islower(letter))
        put_number(e, &reach, is_gradient, "[k]");
    else
        reach.per_item = 0, put_number(e, &reach, is_gradient, "");
}

/* A line of code. In the template $a $b $c $y are operands, bias and value in lane k, and $A $B $C $Y where they begin;
 * with ', as in $'a, their gradients. $n is how many operands there are, and $f the op's name. */
static void put_code(const Emitter *e, const Part *part, const char *template)
{
    put_margin(e);
    for (; *template != '\0'; template ++) {
        const bool is_gradient = template[0] == '$' && template[1] == '\'';
        if (*template != '$')
            fputc(*template, e->out);
        else
            template += 1 + is_gradient, put_letter(e, part, (unsigned char)*template, is_gradient);
    }
    put(e, "\n");
}

static void put_in_lanes(Emitter *e, const Part *part, bool down, const char *template)
{
    put_code(e, part, down ? "for (size_t k = LANES; k-- > 0;)" : "for (size_t k = 0; k < LANES; k++)");
    e->depth++;
    put_code(e, part, template);
    e->depth--;
}

/* ---- mathematics, in comments ------------------------------------------------------------------------------------ */

/* Whether all that is reached are constants with the same number. */
static bool is_one_number(const Plan *plan, const Part *part, const Reach *reach)
{
    const double *start = plan->program->start;
    for (size_t i = 0; i < part->group->count; i++)
        for (size_t j = 0; j < part->items; j++) {
            const size_t place = reach->place + i * reach->per_step + j * reach->per_item;
            if (!plan_is_constant(plan, place) || start[place] != start[reach->place])
                return false;
        }
    return true;
}

/* "w1[2 + 33 * i + j]", "loss", "0.5" */
static void put_math(const Emitter *e, const Part *part, int letter)
{
    const Reach *reach = reach_by_letter(part, letter);
    const Name *name = plan_name(&e->plan, reach->place);
    char number[NUMBER_SIZE];
    if (is_one_number(&e->plan, part, reach)) {
        put(e, "%s", number_shortest(e->plan.program->start[reach->place], number));
    } else if (name->text[0] == '\0') {
        put_number(e, reach, false, "");
    } else if (name->first == name->last && reach->per_step == 0 && reach->per_item == 0) {
        put(e, "%s", name->text);
    } else {
        put(e, "%s[", name->text);
        put_index(e, reach, "");
        put(e, "]");
    }
}

/* A text of the op table, in which a, b and y are names by themselves. */
static void put_formula(const Emitter *e, const Part *part, const char *text)
{
    while (*text != '\0') {
        size_t length = 1;
        while (isalpha((unsigned char)text[0]) && (isalnum((unsigned char)text[length]) || text[length] == '_'))
            length++;
        if (length == 1 && (*text == 'a' || *text == 'y' || (*text == 'b' && part->has_b)))
            put_math(e, part, *text);
        else
            put(e, "%.*s", (int)length, text);
        text += length;
    }
}

static bool is_neuron(const Part *part) { return part->step->is_neuron && part->items == part->step->n; }

/* Whether all neurons of the group are one layer, as lanes.h has it. Else each of them is one. */
static bool is_layer(const Part *part)
{
    return is_neuron(part) && part->b.per_step == 0 && part->y.per_step == 1 &&
           part->a.per_step == part->step->n + part->step->has_bias;
}

static void put_value_comment(const Emitter *e, const Part *part)
{
    put_margin(e);
    put(e, "/* ");
    put_math(e, part, 'y');
    put(e, " = ");
    put_formula(e, part, op_table[part->step->op].text);
    if (part->step->has_bias) {
        put(e, " + ");
        put_math(e, part, 'c');
    }
    if (is_layer(part))
        put(e, ",  i = 0 .. %zu", part->group->count - 1);
    if (part->items > 1)
        put(e, ",  j = 0 .. %zu", part->items - 1);
    put(e, part->items < part->step->n ? ", and so on */\n" : " */\n");
}

/* ∂L/∂operand += formula · ∂L/∂y */
static void put_gradient_comment(const Emitter *e, const Part *part, int operand, const char *formula)
{
    const bool is_sum = strchr(formula, ' ') != NULL;
    put_margin(e);
    put(e, "/* ∂L/∂");
    put_math(e, part, operand);
    put(e, is_sum ? " += (" : " += ");
    put_formula(e, part, formula);
    put(e, is_sum ? ") · ∂L/∂" : " · ∂L/∂");
    put_math(e, part, 'y');
    put(e, " */\n");
}

/* ---- neurons ----------------------------------------------------------------------------------------------------- */

static bool needs_grad(const Emitter *e, const Reach *reach) { return e->plan.program->needs_grad[reach->place]; }

static void put_layers(Emitter *e, Part part, bool backward)
{
    char code[128];
    const size_t neurons = is_layer(&part) ? part.group->count : 1, layers = part.group->count / neurons;
    if (layers == 1)
        part.a.per_step = part.y.per_step = 0;
    open_loop(e, 'i', layers, backward);
    snprintf(code, sizeof code, "layer_%s((LayerShape){%zu, $n, %s}, &$A, $B, $Y%s", backward ? "gradients" : "values",
             neurons, part.step->has_bias ? "true" : "false", backward ? "," : ");");
    put_code(e, &part, code);
    if (backward)
        put_code(e, &part,
                 needs_grad(e, &part.b) ? "                $'Y, room->turned, &$'A, $'B);"
                                        : "                $'Y, room->turned, &$'A, NULL);");
    close_loop(e, layers);
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* The functions of lists want one operand's lanes after the other's. */
static bool lies_in_data(const Emitter *e, const Part *part, const Reach *reach)
{
    return part->items == part->step->n && (part->items == 1 || reach->per_item == 1) &&
           !plan_is_param(&e->plan, reach->place);
}

/* The lists room->a and room->b become copies of the operands. */
static void put_copies(Emitter *e, const Group *group)
{
    Part part;
    for (size_t first = 0; first < group->first->n; first += part.items) {
        char code[64], item[32];
        part = plan_part(&e->plan, group, first);
        snprintf(item, sizeof item, part.items == 1 ? "%zu" : first == 0 ? "j" : "%zu + j", first);
        open_loop(e, 'j', part.items, false);
        for (int list = 'a'; list <= (part.has_b ? 'b' : 'a'); list++) {
            snprintf(code, sizeof code, "room->%c[%s][k] = $%c;", list, item, list);
            put_in_lanes(e, &part, false, code);
        }
        close_loop(e, part.items);
    }
}

static void put_list_forward(Emitter *e, const Part *part)
{
    char code[128];
    const bool in_data = lies_in_data(e, part, &part->a) && (!part->has_b || lies_in_data(e, part, &part->b));
    if (!in_data)
        put_copies(e, part->group);
    snprintf(code, sizeof code, "$y = $f_forward($n, &%s[k], %s, LANES)%s;", in_data ? "$A" : "room->a[0]",
             !part->has_b ? "NULL"
             : in_data    ? "&$B[k]"
                          : "&room->b[0][k]",
             part->step->has_bias ? " + $c" : "");
    put_in_lanes(e, part, false, code);
}

static void put_forward(Emitter *e, const Group *group)
{
    const Part part = plan_part(&e->plan, group, 0);
    put_value_comment(e, &part);
    if (is_neuron(&part)) {
        put_layers(e, part, false);
        return;
    }
    open_loop(e, 'i', group->count, false);
    if (op_table[part.step->op].list_forward != NULL)
        put_list_forward(e, &part);
    else
        put_in_lanes(e, &part, false, part.has_b ? "$y = $f_forward($a, $b);" : "$y = $f_forward($a, 0);");
    close_loop(e, group->count);
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* To a param it is a sum over the samples, from the last to the first. */
static void put_push(Emitter *e, const Part *part, int operand, const char *formula, const char *code)
{
    const Reach *reach = reach_by_letter(part, operand);
    if (!needs_grad(e, reach))
        return;
    put_gradient_comment(e, part, operand, formula);
    put_in_lanes(e, part, plan_is_param(&e->plan, reach->place), code);
}

/* To the operands of a part: a, and b where there is one. */
static void put_part_backward(Emitter *e, const Part *part)
{
    const OpInfo *op = &op_table[part->step->op];
    if (!needs_grad(e, &part->a) && !(part->has_b && needs_grad(e, &part->b)))
        return;
    open_loop(e, 'j', part->items, false);
    put_push(e, part, 'a', op->da_text,
             part->has_b ? "$'a += product($f_da($a, $b, $y), $'y);" : "$'a += product($f_da($a, $n, $y), $'y);");
    if (part->has_b)
        put_push(e, part, 'b', op->db_text, "$'b += product($f_db($a, $b, $y), $'y);");
    close_loop(e, part->items);
}

static void put_step_backward(Emitter *e, const Group *group)
{
    Part part;
    for (size_t first = 0; first < group->first->n; first += part.items) {
        part = plan_part(&e->plan, group, first);
        put_part_backward(e, &part);
    }
    if (group->first->has_bias)
        put_push(e, &part, 'c', "1", "$'c += product(1, $'y);");
}

static void put_neurons_backward(Emitter *e, const Part *part)
{
    put_gradient_comment(e, part, 'a', op_table[OP_DOT].da_text);
    if (part->step->has_bias)
        put_gradient_comment(e, part, 'c', "1");
    if (needs_grad(e, &part->b))
        put_gradient_comment(e, part, 'b', op_table[OP_DOT].db_text);
    put_layers(e, *part, true);
}

static void put_backward(Emitter *e, const Group *group)
{
    const Part part = plan_part(&e->plan, group, 0);
    if (!needs_grad(e, &part.y))
        return;
    if (is_neuron(&part)) {
        put_neurons_backward(e, &part);
        return;
    }
    open_loop(e, 'i', group->count, true);
    put_step_backward(e, group);
    close_loop(e, group->count);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void put_head(const Emitter *e, const char *name)
{
    const Program *program = e->plan.program;
    put(e,
        "/* %s - a recorded graph as C code, written by program_emit: see engine/emit.h.\n"
        " *\n"
        " * A loop over k is over samples side by side, one over i over steps of the same kind, such as the neurons of "
        "a\n"
        " * layer, and one over j over the operands of a step. The backward half goes through the steps from the last "
        "to\n"
        " * the first, and adds to the gradient of each operand: local derivative · gradient of the result. */\n"
        "#ifdef STEPGRAD_VMATH /* faster exp and tanh, whose last bits may differ */\n"
        "#include \"vmath.h\"\n"
        "#define exp(x) vmath_exp(x)\n"
        "#define tanh(x) vmath_tanh(x)\n"
        "#endif\n",
        name);
#ifdef STEPGRAD_OWN_OPS_FILE
    put(e, "#define STEPGRAD_OWN_OPS_FILE \"%s\"\n", STEPGRAD_OWN_OPS_FILE);
#endif
    put(e,
        "#include \"lanes.h\"\n\n"
        "enum { INPUTS = %zu, PLACES = %zu, LONGEST = %zu };\n\n"
        "/* What each thread computes with, in all lanes. */\n"
        "typedef struct Room {\n"
        "    _Alignas(64) Lanes data[PLACES]; /* inputs, constants and results */\n"
        "    Lanes grad[PLACES];              /* ∂L/∂each */\n"
        "    Lanes a[LONGEST], b[LONGEST];    /* copies of operands that do not lie side by side */\n"
        "    double turned[LONGEST * LANES];  /* the inputs of a layer: see lanes.h */\n"
        "} Room;\n\n"
        "/* A function of its own: where clang 14 finds a thread's memory, it takes for granted that registers of\n"
        " * AVX-512 keep their numbers. volatile: else it knows the result, and finds it in the caller again. */\n"
        "static NOINLINE Room *room_of_thread(void)\n{\n"
        "    static _Thread_local Room room;\n"
        "    Room *volatile found = &room;\n"
        "    return found;\n}\n\n",
        program->input_count, program->place_count - program->param_count, program->longest);
}

static void put_enumerator(const Emitter *e, const Name *name, size_t first)
{
    put(e, "        %s = %zu,\n", name->text, name->first - first);
}

static void put_names(const Emitter *e)
{
    const Plan *plan = &e->plan;
    const size_t first = plan->program->param_count;
    put(e, "    enum { /* where they begin in params, and their derivatives in gradients */\n");
    for (size_t i = 0; i < plan->name_count; i++)
        put_enumerator(e, &plan->names[i], 0);
    put(e, "        PARAMS = %zu\n    };\n", first);
    put(e, "    enum { /* where they begin in data, and their derivatives in grad */\n");
    put_enumerator(e, &plan->inputs, first);
    for (size_t i = 0; i < plan->group_count; i++)
        put_enumerator(e, &plan->groups[i].name, first);
    put(e, "    };\n");
}

static void put_block(Emitter *e)
{
    const Plan *plan = &e->plan;
    put(e, "/* Up to LANES samples. Lanes without a sample of their own repeat the first one, with gradient 0. */\n"
           "static void run_block(Room *restrict room, const double *restrict params, double *restrict gradients,\n"
           "                      const double *rows, size_t samples, double seed, double *losses)\n{\n");
    put_names(e);
    put(e, "    Lanes *const data = room->data, *const grad = room->grad;\n\n"
           "    for (size_t i = 0; i != INPUTS; i++)\n"
           "        for (size_t k = 0; k < LANES; k++)\n"
           "            data[x + i][k] = rows[(k < samples ? k : 0) * INPUTS + i];\n");
    e->depth = 1;
    for (size_t i = 0; i < plan->group_count; i++)
        put_forward(e, &plan->groups[i]);
    put(e, "    if (losses != NULL)\n"
           "        memcpy(losses, data[PLACES - 1], samples * sizeof *losses);\n\n"
           "    memset(grad, 0, PLACES * sizeof *grad);\n"
           "    for (size_t k = 0; k < samples; k++)\n"
           "        grad[PLACES - 1][k] = seed;\n");
    for (size_t i = plan->group_count; i-- > 0;)
        put_backward(e, &plan->groups[i]);
    put(e, "}\n\n");
}

static void put_constant(const Emitter *e, size_t place)
{
    char text[NUMBER_SIZE];
    const double x = e->plan.program->start[place];
    if (isfinite(x))
        number_text(x, 'a', -1, text);
    else
        snprintf(text, sizeof text, isnan(x) ? "NAN" : x < 0 ? "-INFINITY" : "INFINITY");
    put(e, "        {%zu, %s},\n", place - e->plan.program->param_count, text);
}

static void put_constants(const Emitter *e)
{
    size_t count = 0;
    for (size_t place = e->plan.program->param_count; place < e->plan.program->place_count; place++) {
        if (!plan_is_constant(&e->plan, place))
            continue;
        if (count++ == 0)
            put(e, "    static const struct { size_t place; double number; } constants[] = {\n");
        put_constant(e, place);
    }
    if (count > 0)
        put(e,
            "    };\n"
            "    for (size_t i = 0; i < %zu; i++)\n"
            "        for (size_t k = 0; k < LANES; k++)\n"
            "            room->data[constants[i].place][k] = constants[i].number;\n",
            count);
}

static void put_function(const Emitter *e, const char *name)
{
    put(e,
        "/* gradients += seed · Σₛ ∂lossₛ/∂params, from the last sample to the first; losses may be NULL. */\n"
        "void %s(const double *params, double *gradients, const double *rows, size_t count, double seed,\n"
        "        double *losses)\n{\n",
        name);
    put(e, "    Room *const room = room_of_thread();\n");
    put_constants(e);
    put(e,
        "    for (size_t first = (count + LANES - 1) / LANES * LANES; first > 0;) {\n"
        "        first -= LANES;\n"
        "        run_block(room, params, gradients, %s, count - first < LANES ? count - first : LANES,\n"
        "                  seed, losses == NULL ? NULL : losses + first);\n"
        "    }\n}\n",
        e->plan.program->input_count > 0 ? "rows + first * INPUTS" : "rows");
}

bool program_emit_at(const Program *program, const char *path, const char *name, Error *error, Where where)
{
    program_check(program, "program_emit", where);
    misuse_if_null(path, "program_emit: the path", "Give the name of the file to write.", where);
    misuse_if_null(name, "program_emit: the name", "Give the name that the function is to have.", where);
    if (!plan_is_free_name(name))
        misuse(where,
               "program_emit: \"%.60s\" cannot be the function's name. Give one of letters and digits that is no word "
               "of C, and nothing that the code calls its own.",
               name);
    SafeFile safe;
    Emitter e = {.depth = 0};
    if (!plan_make(&e.plan, program))
        return error_set(error, "%s:%d: program_emit: no memory", where.file, where.line);
    e.out = file_begin_at(&safe, path, error, where);
    if (e.out != NULL) {
        put_head(&e, name);
        put_block(&e);
        put_function(&e, name);
    }
    plan_free(&e.plan);
    return e.out != NULL && file_commit_at(&safe, error, where);
}
