/* stepgrad.h - the whole engine in one include. */
#ifndef STEPGRAD_H
#define STEPGRAD_H

#include "backward.h"
#include "graph.h"
#include "value.h"

#endif
