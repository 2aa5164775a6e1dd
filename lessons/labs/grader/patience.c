#include "patience.h"

#include <math.h>

bool patience_run(Patience *patience, Command *command, Ended *ended)
{
    if (patience->cpu_seconds <= 0 || patience->wall_seconds <= 0)
        return false;
    const double share = patience->stopped == 0 ? 1 : patience->stopped < 3 ? 0.5 : 0.25;
    command->cpu_seconds = fmin(share * command->cpu_seconds, patience->cpu_seconds);
    command->wall_seconds = fmin(share * command->wall_seconds, patience->wall_seconds);
    run(command, ended);
    patience->cpu_seconds -= ended->cpu_seconds;
    if (ended->late || ended->flooded || ended->cpu_seconds > command->cpu_seconds - 0.5)
        patience->stopped++;
    /* On a busy machine an honest program waits, too: but not for ten times as long as it computes, and a second. */
    patience->wall_seconds -= fmax(0, ended->wall_seconds - 10 * ended->cpu_seconds - 1);
    return true;
}
