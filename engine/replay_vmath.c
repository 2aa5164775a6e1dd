/* replay_vmath.c - the ops over lanes once more, with exp and tanh that compilers make vectors of. See
 * replay_ops_parts.h. */
#include "vmath.h"

/* From here on, in the functions of ops.h. With parentheses, so that the table's names exp and tanh stay. */
#define exp(x) vmath_exp(x)
#define tanh(x) vmath_tanh(x)

#define IN_LANES(function) function##_vmath
#include "replay_ops_parts.h"
