/* replay_libm.c - the ops over lanes with the functions of <math.h>: the bits of define-by-run. See
 * replay_ops_parts.h. */
#define IN_LANES(function) function##_libm
#include "replay_ops_parts.h"
