/* replay_ops_parts.h - the loops over lanes of every op, made from the op table: a new op needs no change here.
 * Included by replay_libm.c and replay_vmath.c, which say in IN_LANES how the loop of a function is called. */
#include "replay_parts.h"

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* all have the parameters of LaneOp; few need all */
#endif

/* Where an op has no b, a derivative gets n. */
#define PARTNER_UNARY n
#define PARTNER_LIST n
#define PARTNER_BINARY b[k]
#define PARTNER_PAIRS b[k]

#define FORWARD_UNARY(name) name##_forward(a[k], 0)
#define FORWARD_BINARY(name) name##_forward(a[k], b[k])
#define FORWARD_LIST(name) name##_forward(n, a + k, NULL, LANES)
#define FORWARD_PAIRS(name) name##_forward(n, a + k, b + k, LANES)

#define DB_LANES_UNARY(name)
#define DB_LANES_LIST(name)
#define DB_LANES_BINARY(name) DERIVATIVE_LANES(name##_db, b[k])
#define DB_LANES_PAIRS(name) DERIVATIVE_LANES(name##_db, b[k])

#define DERIVATIVE_LANES(function, partner)                                                                            \
    VECTORS static void IN_LANES(function)(double n, const double *a, const double *b, const double *y,                \
                                           double *restrict local)                                                     \
    {                                                                                                                  \
        for (int k = 0; k < LANES; k++)                                                                                \
            local[k] = function(a[k], partner, y[k]);                                                                  \
    }

#define OP_LANES(CODE, name, shape, ...)                                                                               \
    VECTORS static void IN_LANES(name##_forward)(size_t n, const double *a, const double *b, double *restrict y)       \
    {                                                                                                                  \
        for (int k = 0; k < LANES; k++)                                                                                \
            y[k] = FORWARD_##shape(name);                                                                              \
    }                                                                                                                  \
    DERIVATIVE_LANES(name##_da, PARTNER_##shape)                                                                       \
    DB_LANES_##shape(name)
OP_TABLE(OP_LANES)

#define DB_ENTRY_UNARY(name) NULL
#define DB_ENTRY_LIST(name) NULL
#define DB_ENTRY_BINARY(name) IN_LANES(name##_db)
#define DB_ENTRY_PAIRS(name) IN_LANES(name##_db)
#define LANE_ENTRY(CODE, name, shape, ...)                                                                             \
    [OP_##CODE] = {IN_LANES(name##_forward), IN_LANES(name##_da), DB_ENTRY_##shape(name)},

const LaneOp IN_LANES(lane_ops)[OP_COUNT] = {OP_TABLE(LANE_ENTRY)};
