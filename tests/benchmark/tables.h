/* tables.h - what make bench measures, a table per file; and what these share. */
#ifndef STEPGRAD_TABLES_H
#define STEPGRAD_TABLES_H

#include "graph.h"
#include "table.h"

extern Table moons_table;                       /* moons.c */
extern Table emitted_table;                     /* replay.c */
extern Table gpt_table;                         /* gpt.c */
extern Table nodes_table;                       /* nodes.c */
extern Table width_table;                       /* width.c */
extern Table memory_table;                      /* memory.c */
extern Table threads_table, threads_1000_table; /* replay.c */

/* ---- for the table of memory ------------------------------------------------------------------------------------- */

/* A step of training: it builds nodes in the graph, and releases none. */
typedef void Step(void *training);

/* Take `size` steps, and write what nodes and allocations they need into the columns of the table. */
void count_memory(Graph *graph, Step *step, void *training, size_t size, double *numbers);

/* Rows of that table. */
Measure moons_memory, replay_memory, gpt_memory, chain_memory;

#endif
