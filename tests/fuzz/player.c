/* player.c - a fuzz target: any graph as JSON (json.h), and as the numbers in a player's page (player.h). Both must be
 * JSON, and hold the data of every node to the last bit; and the page no text that ends its script. */
#define _POSIX_C_SOURCE 200809L /* reader.h asks for popen */
#include "player/player.h"

#include "any_graph.h"
#include "graph/json.h"
#include "json_check.h"
#include "number.h"
#include "order.h"
#include "reader.h"

/* What stands behind each "data": is the node's data. A quote inside a string is escaped, so the key is found nowhere
 * else. */
static void check_numbers(const char *text, Value *const *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double x = NAN;
        text = strstr(text, "\"data\":");
        fuzz_require(text != NULL, "every node is there");
        text += strlen("\"data\":");
        text += strspn(text, " \"");
        fuzz_require(number_parse(text, strcspn(text, ",}\""), &x), "its data is a number");
        fuzz_require(isnan(x) ? isnan(order[i]->data) : memcmp(&x, &order[i]->data, sizeof x) == 0,
                     "its data is the same number");
    }
}

static void check_json(Value *root, Value *const *order, size_t count, const JsonOptions *options)
{
    Error error;
    fuzz_require(json_write(root, reader_path(0), options, &error), "a graph can be written as JSON");
    char *text = reader_text(reader_path(0));
    fuzz_require(json_is_valid(text), "a graph is written as JSON");
    check_numbers(text, order, count);
    memory_free(text);
}

static void check_page(Value *root, Value *const *order, size_t count, const PlayerOptions *options)
{
    static const char begin[] = "<script type=\"application/json\" id=\"numbers\">", end[] = "</script>";
    Error error;
    fuzz_require(player_write(root, reader_path(1), options, &error), "a page can be written");
    char *text = reader_text(reader_path(1)), *numbers = strstr(text, begin);
    fuzz_require(numbers != NULL, "a page has numbers");
    numbers += strlen(begin);
    char *behind = strstr(numbers, end);
    fuzz_require(behind != NULL, "the numbers have an end");
    *behind = '\0';
    fuzz_require(json_is_valid(numbers), "the numbers are JSON");
    fuzz_require(strpbrk(numbers, "<>&") == NULL, "nothing in them can end the script");
    check_numbers(numbers, order, count);
    reader_ask("FUZZ_PYTHON",
               "python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding=\"utf-8\"))' '%s' 2>&1", numbers,
               strlen(numbers));
    memory_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    char expression[ANY_LABEL_SIZE], name[ANY_LABEL_SIZE];
    const uint8_t flags = fuzz_byte(&in);
    any_label(&in, expression), any_label(&in, name);
    Graph *graph = graph_new();
    Value *root = any_graph(&in, graph);
    size_t count;
    Value **order = graph_topological_order(root, &count);
    const DotGroup group = {.name = name, .members = order, .member_count = count / 2, .collapsed = flags % 2 != 0};
    check_json(root, order, count, &(JsonOptions){.values_only = flags % 4 == 0});
    check_page(root, order, count,
               &(PlayerOptions){.without_dot = true,
                                .digits = flags % 18,
                                .groups = &group,
                                .group_count = flags / 18 % 2,
                                .expression = flags > 127 ? expression : NULL});
    memory_free(order);
    graph_free(graph);
    return 0;
}
