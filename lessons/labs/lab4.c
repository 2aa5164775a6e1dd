/* lab4.c - reverse mode: one walk gives the derivatives of the root with respect to every node. */
#include <stdlib.h>

#include "lab.h"

/* Task 4.1 (2 points)  The chain rule along every edge from v to a parent.
 *
 * Add to each parent's grad what it receives from v: v's gradient times the local derivative of that edge.
 * v has parent_count parents (0, 1 or 2); both may be the same node. v->grad is complete.
 *
 * Hint: a loop over the parents; edge i leads to v->parent[i] and has the local derivative v->local[i].
 * Hint: along edge i goes v->local[i] · v->grad.
 * Hint: a parent may have other children, which add to it as well: += and not =.
 * Chapter: 05_reverse_mode.c */
void push(Node *v)
{
    for (int i = 0; i < v->parent_count; i++)
        v->parent[i]->grad += v->local[i] * v->grad;
}

/* Task 4.2 (3 points)  The backward pass.
 *
 * nodes[0], nodes[1] … up to *root stand in the order in which they were made, so parents stand before their children.
 * Leave ∂root/∂node in the grad of every node that has parents. The grads of leaves accumulate: the derivative is added
 * to what was there. Use push (task 4.1).
 *
 * Hint: three steps. Zero the grads of an earlier walk, but not those of leaves. Seed. Walk.
 * Hint: the seed is ∂root/∂root.
 * Hint: a node pushes when its own grad is complete, after all its children: from root back to nodes.
 * Chapter: 05_reverse_mode.c */
void backward(Node *nodes, Node *root)
{
    for (Node *v = nodes; v <= root; v++)
        if (v->parent_count > 0)
            v->grad = 0;
    root->grad = 1;
    for (Node *v = root; v > nodes; v--) /* nodes[0] is a leaf: it has nothing to push */
        push(v);
}

/* Task 4.3 (3 points)  An order for the walk, when the order of making is not at hand.
 *
 * Write to order[] every node that root depends on, and root itself: each once, and after its parents. Return how many.
 * order has room for all of them, and for four times as many. `seen` is false in all nodes at the start. A chain of
 * 100,000 nodes must not break it, with a stack of 1 MB: no recursion.
 *
 * Hint: the recursive form: mark v as seen; visit each parent that is not seen; append v. What does its stack hold?
 *
 * Hint: keep that stack yourself, in an array: a node stays on it until all its parents are in the order.
 *
 * Hint: look at the top of it. Put a parent that is not seen on top; if there is none, append and remove it.
 * Chapter: 06_topological_order.c */
int topological_order(Node *root, Node **order)
{
    int waiting = 0, done = 0, room = 64;
    Node **stack = malloc((size_t)room * sizeof *stack);
    if (stack == NULL)
        return 0;
    stack[waiting++] = root;
    root->seen = true;
    while (waiting > 0) {
        Node *v = stack[waiting - 1], *unseen = NULL;
        for (int i = 0; i < v->parent_count && unseen == NULL; i++)
            if (!v->parent[i]->seen)
                unseen = v->parent[i];
        if (unseen == NULL) {
            order[done++] = v;
            waiting--;
            continue;
        }
        if (waiting == room) {
            Node **larger = realloc(stack, 2 * (size_t)room * sizeof *stack);
            if (larger == NULL)
                break;
            stack = larger;
            room *= 2;
        }
        unseen->seen = true;
        stack[waiting++] = unseen;
    }
    free(stack);
    return done;
}
