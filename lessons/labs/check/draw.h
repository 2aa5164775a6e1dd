/* draw.h - a task's results as a picture: what came out beside what was wanted. */
#ifndef LAB_DRAW_H
#define LAB_DRAW_H

#include "outcome.h"

/* The graph of a task of lab 4, in the language of Graphviz, with the gradients got and wanted. */
bool draw_is_graph(const Task *task);
void draw_graph(const Answers *answers, const Outcome *outcome, FILE *out);

/* Any task: a page of HTML that needs nothing else, with every number that went in and came out, wrong ones marked. */
void draw_page(const Answers *answers, const Outcome *outcome, FILE *out);

#endif
