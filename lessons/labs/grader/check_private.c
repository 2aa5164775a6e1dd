/* check_private.c - the main program of `make`'s look at the tasks that a teacher added: is each reference right? */
#include "private_tasks.h"

int main(void) { return private_check(stderr) ? 0 : 1; }
