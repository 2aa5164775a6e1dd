/* lab2.c - forward mode: numbers that carry their derivative along. */
#include "lab.h"

/* Task 2.1 (1 point)  p·q.
 *
 * Return the value of the product, and its tangent: how fast it moves when p moves by p.tangent and q by q.tangent.
 *
 * Hint: the product rule: (p·q)' = p'·q + p·q'.
 * Hint: p' is p.tangent; q is q.value.
 * Hint: return (Dual){value, tangent};
 * Chapter: 03_forward_mode.c */
Dual dual_mul(Dual p, Dual q) { return (Dual){p.value * q.value, p.tangent * q.value + p.value * q.tangent}; }

/* Task 2.2 (1 point)  p/q.
 *
 * Return value and tangent. q.value is not 0.
 *
 * Hint: the quotient rule: (p/q)' = (p'·q − p·q')/q².
 * Hint: or with y = p/q: from y·q = p follows y'·q + y·q' = p'. Solve it for y'.
 * Hint: y' = (p' − y·q')/q.
 * Chapter: 03_forward_mode.c */
Dual dual_div(Dual p, Dual q)
{
    const double y = p.value / q.value;
    return (Dual){y, (p.tangent - y * q.tangent) / q.value};
}

/* Task 2.3 (1 point)  tanh p.
 *
 * Return value and tangent.
 *
 * Hint: how fast does tanh move where its operand is p.value? That is tanh'(p.value).
 * Hint: tanh' = 1 − tanh².
 * Hint: p itself moves at the rate p.tangent: multiply by it.
 * Chapter: 03_forward_mode.c */
Dual dual_tanh(Dual p)
{
    const double y = tanh(p.value);
    return (Dual){y, (1 - y * y) * p.tangent};
}
