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
    if (ended->late || ended->cpu_seconds > command->cpu_seconds - 0.5) {
        patience->stopped++;
        patience->wall_seconds -= ended->wall_seconds;
    }
    return true;
}
