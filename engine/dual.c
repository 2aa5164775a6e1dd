/* dual.c - every function here is the same two steps: the value from the op table, then the chain rule. */
#include "dual.h"

Dual dual_unary(OpCode op, Dual a)
{
    const OpInfo *info = &op_table[op];
    const double y = info->forward(a.value, 0);
    return (Dual){y, tangent_product(info->da(a.value, 1, y), a.tangent)};
}

Dual dual_binary(OpCode op, Dual a, Dual b)
{
    const OpInfo *info = &op_table[op];
    const double y = info->forward(a.value, b.value);
    const double through_a = tangent_product(info->da(a.value, b.value, y), a.tangent);
    const double through_b = tangent_product(info->db(a.value, b.value, y), b.tangent);
    return (Dual){y, through_a + through_b};
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static void check_list(OpCode op, const Dual *list, size_t n, const char *operand, Where where)
{
    if (list == NULL || n == 0)
        misuse(where, "d_%s: the list %s %s (n = %zu). It takes 1 Dual or more.", op_table[op].name, operand,
               list == NULL ? "is NULL" : "is empty", n);
}

/* The op table's list ops step from number to number by a stride, so they can read the values where they lie. */
enum { DUAL_STRIDE = sizeof(Dual) / sizeof(double) };

static double list_value(OpCode op, const Dual *a, const Dual *b, size_t n)
{
    return op_table[op].list_forward(n, &a->value, b != NULL ? &b->value : NULL, DUAL_STRIDE);
}

Dual dual_list(OpCode op, const Dual *a, size_t n, Where where)
{
    check_list(op, a, n, "a", where);
    const double y = list_value(op, a, NULL, n);
    double tangent = 0;
    for (size_t i = 0; i < n; i++)
        tangent += tangent_product(op_table[op].da(a[i].value, (double)n, y), a[i].tangent);
    return (Dual){y, tangent};
}

Dual dual_pairs(OpCode op, const Dual *a, const Dual *b, size_t n, Where where)
{
    check_list(op, a, n, "a", where);
    check_list(op, b, n, "b", where);
    const double y = list_value(op, a, b, n);
    double tangent = 0;
    for (size_t i = 0; i < n; i++) {
        tangent += tangent_product(op_table[op].da(a[i].value, b[i].value, y), a[i].tangent);
        tangent += tangent_product(op_table[op].db(a[i].value, b[i].value, y), b[i].tangent);
    }
    return (Dual){y, tangent};
}
