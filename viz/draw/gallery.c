/* gallery.c - the program behind `make gallery`: one page with a diagram of everything that dot.h draws.
 *
 *     build/gallery build/gallery.html
 *
 * Each exhibit is C code that builds an expression and sets options. A macro compiles that code and keeps its text, so
 * that what stands on the page is what made the diagram. The page is one file, offline, light and dark; where the
 * program `dot` is missing it says how to get it, and shows the graphs as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/dot.h"
#include "file.h"
#include "memory.h"
#include "graph/network_groups.h"
#include "stepgrad.h"
#include "graph/tree.h"

/* ---- exhibits ---------------------------------------------------------------------------------------------------- */

/* Builds an expression L in the graph g, and may set options of its diagram. `groups` starts empty. */
typedef Value *Builder(Graph *g, DotOptions *options, NetworkGroups *groups);

/* A Builder of some C statements that define L, and their text. */
#define CODE(name, ...)                                                                                                \
    static const char name##_text[] = #__VA_ARGS__;                                                                    \
    static Value *name(Graph *g, DotOptions *options, NetworkGroups *groups)                                           \
    {                                                                                                                  \
        __VA_ARGS__(void) options, (void)groups;                                                                       \
        return L;                                                                                                      \
    }

// clang-format off

CODE(legend,
    Value *a = v_label(v_param(g, 2), "a");
    Value *x = v_label(v_input(g, -3), "x");
    Value *d = v_label(v_mul(a, x), "d");
    Value *L = v_label(v_sub(10, d), "L");
    options->legend = true;
)

CODE(one_operand,
    Value *x = v_label(v_param(g, 0.5), "x");
    Value *L = v_label(v_tanh(x), "L");
)

CODE(two_operands,
    Value *p = v_label(v_param(g, 3), "p");
    Value *q = v_label(v_param(g, -2), "q");
    Value *L = v_label(v_div(p, q), "L");
)

CODE(many_operands,
    Value *a = v_label(v_param(g, 1), "a");
    Value *b = v_label(v_param(g, 2), "b");
    Value *c = v_label(v_param(g, 3), "c");
    Value *L = v_label(v_sum(((Value *[]){a, b, c}), 3), "L");
)

CODE(pairs_of_operands,
    Value *w[] = {v_label(v_param(g, -3), "w1"), v_label(v_param(g, 1), "w2")};
    Value *x[] = {v_label(v_input(g, 2), "x1"), v_label(v_input(g, 0), "x2")};
    Value *b = v_label(v_param(g, 6.88), "b");
    Value *L = v_label(v_dot_bias(w, x, 2, b), "L");
)

CODE(fan_out,
    Value *a = v_label(v_param(g, 3), "a");
    Value *L = v_label(v_add(a, a), "L");
)

CODE(square,
    Value *x = v_label(v_param(g, 3), "x");
    Value *L = v_label(v_mul(x, x), "L");
)

CODE(neuron,
    Value *x1 = v_label(v_input(g, 2), "x1");
    Value *x2 = v_label(v_input(g, 0), "x2");
    Value *w1 = v_label(v_param(g, -3), "w1");
    Value *w2 = v_label(v_param(g, 1), "w2");
    Value *b = v_label(v_param(g, 6.88), "b");
    Value *n = v_label(v_add(v_add(v_mul(w1, x1), v_mul(w2, x2)), b), "n");
    Value *L = v_label(v_tanh(n), "L");
)

CODE(micrograd,
    Value *a = v_label(v_param(g, -4), "a");
    Value *b = v_label(v_param(g, 2), "b");
    Value *c = v_add(a, b);
    Value *d = v_add(v_mul(a, b), v_pow(b, 3));
    c = v_add(c, v_add(c, 1));
    c = v_add(c, v_add(v_add(1, c), v_neg(a)));
    d = v_add(d, v_add(v_mul(d, 2), v_relu(v_add(b, a))));
    d = v_add(d, v_add(v_mul(3, d), v_relu(v_sub(b, a))));
    Value *e = v_sub(v_label(c, "c"), v_label(d, "d"));
    Value *f = v_pow(v_label(e, "e"), 2);
    Value *L = v_add(v_div(v_label(f, "f"), 2), v_div(10, f));
    v_label(L, "g");
    options->hide_constants = true;
    options->direction = DOT_TOP_TO_BOTTOM;
)

CODE(classes,
    Value *z[] = {v_param(g, 2), v_param(g, -1), v_param(g, 0.5)};
    v_label(z[0], "z0"), v_label(z[1], "z1"), v_label(z[2], "z2");
    Value *L = v_label(cross_entropy(z, 3, 0), "L");
)

CODE(dead_relu,
    Value *x = v_label(v_input(g, 2), "x");
    Value *w = v_label(v_param(g, -1.5), "w");
    Value *L = v_label(v_relu(v_label(v_mul(w, x), "n")), "L");
)

CODE(tie,
    Value *a = v_label(v_param(g, 2), "a");
    Value *b = v_label(v_param(g, 2), "b");
    Value *L = v_label(v_max(a, b), "L");
)

CODE(network,
    Random random;
    random_seed(&random, 1);
    MLP *net = mlp_new(g, ((size_t[]){2, 2, 1}), 3, ACTIVATION_TANH);
    mlp_init(net, INIT_PYTORCH, &random);
    Value **y = mlp_forward(net, v_inputs(g, (double[]){1, -1}, 2));
    Value *L = v_label(y[0], "L");
    network_groups_find(groups, net, L, NETWORK_NODES, NULL);
    options->groups = groups->list;
    options->group_count = groups->count;
)

CODE(network_of_neurons,
    Random random;
    random_seed(&random, 1);
    MLP *net = mlp_new(g, ((size_t[]){2, 2, 1}), 3, ACTIVATION_TANH);
    mlp_init(net, INIT_PYTORCH, &random);
    Value **y = mlp_forward(net, v_inputs(g, (double[]){1, -1}, 2));
    Value *L = v_label(y[0], "L");
    network_groups_find(groups, net, L, NETWORK_NEURONS, NULL);
    options->groups = groups->list;
    options->group_count = groups->count;
)

CODE(network_of_layers,
    Random random;
    random_seed(&random, 1);
    MLP *net = mlp_new(g, ((size_t[]){2, 2, 1}), 3, ACTIVATION_TANH);
    mlp_init(net, INIT_PYTORCH, &random);
    Value **y = mlp_forward(net, v_inputs(g, (double[]){1, -1}, 2));
    Value *L = v_label(y[0], "L");
    network_groups_find(groups, net, L, NETWORK_LAYERS, NULL);
    options->groups = groups->list;
    options->group_count = groups->count;
)

CODE(large_network,
    Random random;
    random_seed(&random, 1);
    MLP *net = mlp_new(g, ((size_t[]){2, 32, 32, 1}), 4, ACTIVATION_TANH);
    mlp_init(net, INIT_PYTORCH, &random);
    Value **y = mlp_forward(net, v_inputs(g, (double[]){1, -1}, 2));
    Value *L = v_label(y[0], "L");
    network_groups_find(groups, net, L, NETWORK_LAYERS, NULL);
    options->groups = groups->list;
    options->group_count = groups->count;
)

CODE(depth,
    Value *x = v_label(v_param(g, 0.3), "x");
    Value *y = v_label(v_sin(v_mul(x, x)), "y");
    Value *L = v_label(v_mul(v_exp(y), v_cos(v_sin(y))), "L");
    options->max_depth = 2;
)

CODE(one_cone,
    Value *a = v_label(v_param(g, 2), "a");
    Value *b = v_label(v_param(g, -3), "b");
    Value *c = v_label(v_param(g, 10), "c");
    Value *f = v_label(v_param(g, -2), "f");
    Value *d = v_label(v_add(v_mul(a, b), c), "d");
    Value *L = v_label(v_mul(d, f), "L");
    options->through = a;
)

CODE(constants_shown,
    Value *x = v_label(v_param(g, 3), "x");
    Value *L = v_label(v_add(v_mul(2, v_pow(x, 2)), 1), "L");
)

CODE(constants_hidden,
    Value *x = v_label(v_param(g, 3), "x");
    Value *L = v_label(v_add(v_mul(2, v_pow(x, 2)), 1), "L");
    options->hide_constants = true;
)

CODE(values,
    Value *a = v_label(v_param(g, 2), "a");
    Value *b = v_label(v_param(g, -3), "b");
    Value *L = v_label(v_add(v_mul(a, b), 10), "L");
    options->values_only = true;
)

CODE(light,
    Value *w = v_label(v_param(g, 0.5), "w");
    Value *x = v_label(v_input(g, -2), "x");
    Value *b = v_label(v_param(g, 0.25), "b");
    Value *L = v_label(v_pow(v_label(v_add(v_mul(w, x), b), "n"), 2), "L");
    options->theme = DOT_LIGHT;
)

CODE(dark,
    Value *w = v_label(v_param(g, 0.5), "w");
    Value *x = v_label(v_input(g, -2), "x");
    Value *b = v_label(v_param(g, 0.25), "b");
    Value *L = v_label(v_pow(v_label(v_add(v_mul(w, x), b), "n"), 2), "L");
    options->theme = DOT_DARK;
)

CODE(print,
    Value *w = v_label(v_param(g, 0.5), "w");
    Value *x = v_label(v_input(g, -2), "x");
    Value *b = v_label(v_param(g, 0.25), "b");
    Value *L = v_label(v_pow(v_label(v_add(v_mul(w, x), b), "n"), 2), "L");
    options->theme = DOT_PRINT;
)

CODE(top_to_bottom,
    Value *a = v_label(v_param(g, 2), "a");
    Value *b = v_label(v_param(g, -3), "b");
    Value *c = v_label(v_param(g, 10), "c");
    Value *f = v_label(v_param(g, -2), "f");
    Value *d = v_label(v_add(v_mul(a, b), c), "d");
    Value *L = v_label(v_mul(d, f), "L");
    options->direction = DOT_TOP_TO_BOTTOM;
)

CODE(hostile,
    Value *a = v_label(v_param(g, 1), "<b>bold</b> & \"quoted\"");
    Value *b = v_label(v_param(g, 2), "\\N \\G {a|b} C:\\new");
    Value *c = v_label(v_param(g, 3), "größer ≤ 文字 🙂");
    Value *d = v_label(v_param(g, 4), "two\nlines, \a bell, \xE2\x80\xAE turned, \xFF broken");
    Value *e = v_label(v_param(g, 5), "a name so long that no box could ever hold all of the words in it");
    Value *L = v_label(v_sum(((Value *[]){a, b, c, d, e}), 5), "--> ]]> </svg> %s");
)

CODE(not_a_number,
    Value *x = v_label(v_param(g, -1), "x");
    Value *y = v_label(v_log(x), "y");
    Value *L = v_label(v_add(v_mul(y, 2), 1), "L");
)

CODE(traced,
    Value *a = v_label(v_param(g, 2), "a");
    Value *b = v_label(v_param(g, -3), "b");
    Value *c = v_label(v_param(g, 10), "c");
    Value *e = v_label(v_mul(a, b), "e");
    Value *d = v_label(v_add(e, c), "d");
    Value *L = v_label(v_mul(d, a), "L");
)

// clang-format on

typedef struct Exhibit {
    const char *title, *sentence;
    Builder *build;
    const char *code;
    bool own_theme; /* the theme is what it shows: not drawn again for a dark page */
    bool trace;     /* with the trace of its backward pass beside it */
} Exhibit;

#define BUILT_BY(name) .build = name, .code = name##_text

static const Exhibit exhibits[] = {
    {"How to read a diagram",
     "Each box is a node: its name, what it was computed as, its value, and the gradient ∂L/∂node.", BUILT_BY(legend)},
    {"One operand", "On the edge: the local derivative as a formula and as a number, and what the edge adds to x.grad.",
     BUILT_BY(one_operand)},
    {"Two operands", "Where the order of operands matters, each edge says which place it takes.",
     BUILT_BY(two_operands)},
    {"Many operands", "A sum passes its gradient on to every term unchanged.", BUILT_BY(many_operands)},
    {"Pairs of operands", "A dot product with a bias is one node: 1a is paired with 1b, 2a with 2b.",
     BUILT_BY(pairs_of_operands)},
    {"A node used twice: a + a", "Two edges lead to a, and their contributions add up: that is why gradients use +=.",
     BUILT_BY(fan_out)},
    {"A node used twice: x * x", "Both operands are x; x + x = 2x, the derivative of the square, comes out by itself.",
     BUILT_BY(square)},
    {"A neuron", "The weights get gradients; the inputs, with a folded corner, do not.", BUILT_BY(neuron)},
    {"The expression of micrograd's README", "The gradients are the known ones: a 138.8, b 645.6.",
     BUILT_BY(micrograd)},
    {"Cross-entropy of three logits",
     "Nowhere does it say softmax minus one-hot, and yet that is the gradient of each logit.", BUILT_BY(classes)},
    {"A dead relu",
     "The product is below 0, so the relu is flat: its derivative is 0, and w will never learn from this.",
     BUILT_BY(dead_relu)},
    {"A tie", "Both operands are the largest; each gets half of the gradient.", BUILT_BY(tie)},
    {"A network, every node",
     "Two inputs, a hidden layer of two tanh neurons and one output; frames "
     "stand around neurons and layers.",
     BUILT_BY(network)},
    {"A network, a box per neuron", "The same; each neuron is collapsed, each layer keeps its frame.",
     BUILT_BY(network_of_neurons)},
    {"A network, a box per layer", "The same once more; an arrow may stand for several edges.",
     BUILT_BY(network_of_layers)},
    {"A large network, a box per layer", "Two inputs, two layers of 32, one output: 1,185 params in three boxes.",
     BUILT_BY(large_network)},
    {"Down to a depth", "Two edges from the root; what is cut off shows as a stub.", BUILT_BY(depth)},
    {"Only what depends on one node", "All paths from a to L, and nothing else.", BUILT_BY(one_cone)},
    {"Constants as nodes", "Plain numbers are ellipses.", BUILT_BY(constants_shown)},
    {"Constants hidden", "The same expression; the numbers stand in the text of the ops alone.",
     BUILT_BY(constants_hidden)},
    {"Values only", "The forward pass: neither gradients nor derivatives.", BUILT_BY(values)},
    {"For a light page", "Blue adds to a gradient, orange takes away; the thicker, the more.", BUILT_BY(light),
     .own_theme = true},
    {"For a dark page", "The same on a dark background.", BUILT_BY(dark), .own_theme = true},
    {"For print", "Black on white; what takes away is dashed.", BUILT_BY(print), .own_theme = true},
    {"From top to bottom", "For a narrow page.", BUILT_BY(top_to_bottom)},
    {"Any text as a name", "Markup, backslashes, other scripts, control characters and broken UTF-8 do no harm.",
     BUILT_BY(hostile)},
    {"Where a NaN comes from", "The logarithm of a negative number, and all that it spoils.", BUILT_BY(not_a_number)},
    {"The backward pass, line by line", "The trace of the walk: each line is one edge of the diagram.",
     BUILT_BY(traced), .trace = true},
};

enum { EXHIBIT_COUNT = sizeof exhibits / sizeof *exhibits, PATH_SIZE = 4096 };

/* ---- the page ---------------------------------------------------------------------------------------------------- */

/* The page being written. */
typedef struct Page {
    FILE *out;
    bool has_dot;
    char dot_path[PATH_SIZE], svg_path[PATH_SIZE]; /* beside the page, for as long as a diagram is being drawn */
} Page;

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>stepgrad: a gallery of diagrams</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --paper: #f6f8fa; --card: #ffffff; --ink: #1f2328; --soft: #57606a;\n"
    "  --line: #d0d7de; --shade: #0003; }\n"
    "@media (prefers-color-scheme: dark) { :root { --paper: #010409; --card: #0d1117; --ink: #e6edf3;\n"
    "  --soft: #9da7b3; --line: #30363d; --shade: #fff3; } }\n"
    "* { box-sizing: border-box; }\n"
    "body { margin: 0 auto; padding: 1.5rem 1rem; max-width: 84rem; background: var(--paper); color: var(--ink);\n"
    "  font: 16px/1.5 system-ui, -apple-system, \"Segoe UI\", Helvetica, Arial, sans-serif; }\n"
    "h1 { margin: 0 0 .5rem; line-height: 1.2; }\n"
    "h2 { margin: 0; font-size: 1.2rem; line-height: 1.3; }\n"
    "p { margin: .25rem 0 .75rem; max-width: 70rem; }\n"
    "a { color: inherit; }\n"
    "section { margin: 1.25rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 8px;\n"
    "  background: var(--card); }\n"
    ".row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }\n"
    ".row > * { min-width: 0; max-width: 100%; }\n"
    ".code { flex: 0 1 auto; }\n"
    ".diagram { flex: 0 1 auto; border-radius: 6px; }\n"
    /* the card's own colour, and the shadows, are seen through the picture */
    ".on-light [id$=a_graph0] polygon, .on-dark [id$=a_graph0] polygon { fill: none; }\n"
    ".framed { border: 1px solid var(--line); }\n"
    /* what scrolls sideways has a shadow at the side where there is more */
    "pre, .diagram { margin: 0; overflow-x: auto; background:\n"
    "  linear-gradient(to right, var(--card) 40%, transparent) left / 2rem 100% no-repeat local,\n"
    "  linear-gradient(to left, var(--card) 40%, transparent) right / 2rem 100% no-repeat local,\n"
    "  linear-gradient(to right, var(--shade), transparent) left / .6rem 100% no-repeat scroll,\n"
    "  linear-gradient(to left, var(--shade), transparent) right / .6rem 100% no-repeat scroll var(--card); }\n"
    "pre { padding: .6rem .8rem; border: 1px solid var(--line); border-radius: 6px;\n"
    "  font: 13px/1.5 ui-monospace, \"SFMono-Regular\", Menlo, Consolas, \"DejaVu Sans Mono\", monospace; }\n"
    /* smaller, letters cannot be read; on a phone one scrolls in any case */
    "svg { display: block; max-width: 100%; height: auto; min-width: calc(var(--width) * .5); }\n"
    "@media (max-width: 50rem) { svg { min-width: calc(var(--width) * .75); } }\n"
    "details { margin-top: .75rem; } summary { cursor: pointer; color: var(--soft); }\n"
    "details pre { margin-top: .5rem; }\n"
    ".missing { padding: .75rem 1rem; border: 2px solid #d55e00; border-radius: 8px; max-width: none; }\n"
    ".on-dark { display: none; }\n"
    "@media screen and (prefers-color-scheme: dark) { .on-light { display: none; } .on-dark { display: block; } }\n"
    "@media print { :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #000; }\n"
    "  section { break-inside: avoid; } svg { min-width: 0 !important; } details { display: none; } }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>stepgrad: a gallery of diagrams</h1>\n"
    "<p>An expression in C builds a graph; <code>backward(L)</code> walks it from the result back to the leaves and\n"
    "leaves in every node how much the result changes with it. Each diagram here was made by the code beside it,\n"
    "in a <code>Graph *g</code> and with <code>DotOptions *options</code> that were empty before, followed by</p>\n"
    "<pre class=\"code\">backward(L);\ndot_draw(L, \"L.svg\", options, &amp;error);</pre>\n"
    "<p>Rest the pointer on a box or an edge for the whole formula in numbers.</p>\n";

/* Print text[0..length) as HTML. */
static void put_text(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(text[i], out);
        }
    }
}

/* The length of the first statement of some code, its semicolon included. */
static size_t statement_length(const char *code)
{
    bool quoted = false;
    size_t i = 0;
    for (; code[i] != '\0'; i++) {
        if (code[i] == '"')
            quoted = !quoted;
        else if (quoted && code[i] == '\\')
            i++;
        else if (!quoted && code[i] == ';')
            return i + 1;
    }
    return i;
}

/* Print C code, a statement per line: the compiler keeps no line breaks in the text of a macro's arguments. */
static void put_code(FILE *out, const char *code)
{
    fputs("<pre class=\"code\" tabindex=\"0\" aria-label=\"C code\">", out);
    while (*code != '\0') {
        const size_t length = statement_length(code);
        put_text(out, code, length);
        code += length;
        code += strspn(code, " ");
        fputs(*code != '\0' ? "\n" : "", out);
    }
    fputs("</pre>\n", out);
}

/* Print what was written to a temporary stream. */
static void put_stream(FILE *out, FILE *from)
{
    char text[1024];
    size_t length;
    rewind(from);
    while ((length = fread(text, 1, sizeof text, from)) > 0)
        put_text(out, text, length);
}

/* ---- diagrams ---------------------------------------------------------------------------------------------------- */

/* The content of a file, which the caller frees with memory_free. */
static char *read_file(const char *path, Error *error)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    if (in != NULL && fseek(in, 0, SEEK_END) == 0) {
        const long size = ftell(in);
        rewind(in);
        text = size >= 0 ? memory_alloc((size_t)size + 1) : NULL;
        if (text != NULL)
            text[fread(text, 1, (size_t)size, in)] = '\0';
    }
    if (text == NULL)
        error_set(error, "%s: cannot be read", path);
    if (in != NULL)
        fclose(in);
    return text;
}

/* Copy the picture that dot wrote into the page, its ids made its own. A wide one shrinks to a part of its size, and
 * scrolls where that is too wide still. Outside tags there is no bare quotation mark, so none but ids are touched. */
static bool put_svg(Page *page, const char *title, const char *id, Error *error)
{
    static const char attribute[] = " id=\"", start[] = "<svg ";
    char *text = read_file(page->svg_path, error);
    const char *rest = text != NULL ? strstr(text, start) : NULL;
    if (rest == NULL) {
        memory_free(text);
        return text == NULL ? false : error_set(error, "%s: there is no picture in it", page->svg_path);
    }
    const double width = strtod(rest + sizeof start - 1 + strlen("width=\""), NULL);
    fprintf(page->out, "%srole=\"img\" aria-label=\"", start);
    put_text(page->out, title, strlen(title));
    fprintf(page->out, "\" style=\"--width: %.0fpt\" ", width);
    rest += sizeof start - 1;
    for (const char *found; (found = strstr(rest, attribute)) != NULL; rest = found + sizeof attribute - 1) {
        fwrite(rest, 1, (size_t)(found - rest), page->out);
        fprintf(page->out, "%s%s-", attribute, id);
    }
    fputs(rest, page->out);
    memory_free(text);
    return true;
}

/* Let dot draw what root was computed from, into page->svg_path. */
static bool draw(Page *page, Value *root, const DotOptions *options, Error *error)
{
    return dot_draw(root, page->svg_path, options, error);
}

/* One diagram; `shown` is the class that says on which pages it is seen, or "". */
static bool put_diagram(Page *page, Value *root, const DotOptions *options, const char *title, size_t number,
                        const char *shown, Error *error)
{
    char id[64];
    snprintf(id, sizeof id, "d%zu%s", number, shown);
    if (!draw(page, root, options, error))
        return false;
    fprintf(page->out, "<div class=\"diagram %s\" tabindex=\"0\">\n", shown[0] != '\0' ? shown : "framed");
    const bool ok = put_svg(page, title, id, error);
    fputs("</div>\n", page->out);
    return ok;
}

/* An exhibit's diagram, for a light page and for a dark one unless it has a theme of its own. */
static bool put_diagrams(Page *page, const Exhibit *exhibit, Value *root, DotOptions options, Error *error)
{
    const size_t number = (size_t)(exhibit - exhibits) + 1;
    if (exhibit->own_theme)
        return put_diagram(page, root, &options, exhibit->title, number, "", error);
    bool ok = put_diagram(page, root, &options, exhibit->title, number, "on-light", error);
    options.theme = DOT_DARK;
    return ok && put_diagram(page, root, &options, exhibit->title, number, "on-dark", error);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* The graph as text, which is all there is to see where there is no dot. */
static bool put_tree(Page *page, Value *root, FILE *scratch, Error *error)
{
    if (!tree_print(root, scratch, NULL))
        return error_set(error, "gallery: no memory, or no room on the disk, for the tree of a graph");
    fprintf(page->out, "<details%s><summary>The graph as text</summary><pre tabindex=\"0\">",
            page->has_dot ? "" : " open");
    put_stream(page->out, scratch);
    fputs("</pre></details>\n", page->out);
    return true;
}

/* Walk back from root, and print the trace of that if it is wanted. */
static void walk(Page *page, Graph *graph, Value *root, FILE *trace)
{
    backward_trace(graph, trace);
    backward(root);
    backward_trace(graph, NULL);
    if (trace == NULL)
        return;
    fputs("<pre class=\"code\" tabindex=\"0\" aria-label=\"trace\">", page->out);
    put_stream(page->out, trace);
    fputs("</pre>\n", page->out);
}

/* All of an exhibit below its title; `tree` and `trace` are empty streams. */
static bool put_exhibit(Page *page, const Exhibit *exhibit, Graph *graph, NetworkGroups *groups, FILE *tree,
                        FILE *trace, Error *error)
{
    DotOptions options = {0};
    Value *root = exhibit->build(graph, &options, groups);
    if (!graph_ok(graph))
        return error_set(error, "gallery: no memory for the expression of \"%s\"", exhibit->title);
    fputs("<div class=\"row\">\n", page->out);
    put_code(page->out, exhibit->code);
    walk(page, graph, root, exhibit->trace ? trace : NULL);
    const bool ok = !page->has_dot || put_diagrams(page, exhibit, root, options, error);
    fputs("</div>\n", page->out);
    return ok && put_tree(page, root, tree, error);
}

static bool put_section(Page *page, const Exhibit *exhibit, Error *error)
{
    Graph *graph = graph_new();
    NetworkGroups groups = {0};
    FILE *tree = tmpfile(), *trace = tmpfile();
    fputs("<section>\n<h2>", page->out);
    put_text(page->out, exhibit->title, strlen(exhibit->title));
    fputs("</h2>\n<p>", page->out);
    put_text(page->out, exhibit->sentence, strlen(exhibit->sentence));
    fputs("</p>\n", page->out);
    bool ok = graph != NULL && tree != NULL && trace != NULL;
    if (!ok)
        error_set(error, "gallery: no memory, or no temporary file");
    ok = ok && put_exhibit(page, exhibit, graph, &groups, tree, trace, error);
    fputs("</section>\n", page->out);
    network_groups_free(&groups);
    graph_free(graph);
    if (tree != NULL)
        fclose(tree);
    if (trace != NULL)
        fclose(trace);
    return ok;
}

/* Whether dot can draw; if not, the page says why, and how to get it. */
static void try_dot(Page *page)
{
    Error reason = {"no memory"};
    Graph *graph = graph_new();
    page->has_dot = graph != NULL && draw(page, v_param(graph, 1), NULL, &reason);
    graph_free(graph);
    if (page->has_dot)
        return;
    fprintf(stderr, "gallery: the page is without diagrams: %s\n", reason.message);
    fputs("<p class=\"missing\"><strong>The graphs are shown as text.</strong> ", page->out);
    put_text(page->out, reason.message, strlen(reason.message));
    fputs("</p>\n", page->out);
}

/* Write the page; false leaves none, or the older one. */
static bool write_page(Page *page, const char *path, Error *error)
{
    SafeFile safe;
    page->out = file_begin(&safe, path, error);
    if (page->out == NULL)
        return false;
    fputs(head, page->out);
    try_dot(page);
    bool ok = true;
    for (size_t i = 0; i < EXHIBIT_COUNT && ok; i++)
        ok = put_section(page, &exhibits[i], error);
    fputs("</body>\n</html>\n", page->out);
    remove(page->dot_path);
    remove(page->svg_path);
    if (ok)
        return file_commit(&safe, error);
    file_abandon(&safe);
    return false;
}

int main(int argc, char **argv)
{
    Error error;
    Page page;
    if (argc != 2 || argv[1][0] == '-' || strlen(argv[1]) + sizeof ".part.dot" > PATH_SIZE) {
        fprintf(stderr, "usage: gallery PAGE.html\nWrites a page with a diagram of everything that dot.h draws.\n");
        return 2;
    }
    snprintf(page.dot_path, PATH_SIZE, "%s.part.dot", argv[1]);
    snprintf(page.svg_path, PATH_SIZE, "%s.part.svg", argv[1]);
    if (!write_page(&page, argv[1], &error)) {
        fprintf(stderr, "gallery: %s\n", error.message);
        return 1;
    }
    printf("%s: %d exhibits%s\n", argv[1], EXHIBIT_COUNT, page.has_dot ? "" : ", without diagrams");
    return 0;
}
