#!/bin/sh
# watch.sh - try the task that you are at whenever its file is saved. `make watch` starts it.
# Keys: h a hint · n the next task, once this one is right · q quit.
set -u

if [ ! -t 0 ]; then
    echo "make watch needs a terminal: it reads keys. Without one, type: make check"
    exit 1
fi
terminal=$(stty -g)
trap 'stty "$terminal"' EXIT
trap 'exit 0' INT TERM
stty -icanon -echo min 0 time 5 # a key is read at once, and waited for half a second

find_task() {
    at=$(build/check current) || exit 1 # it has said why
    set -- $at
    task=${1:-}
    file=${2:-}
    before=
    if [ -z "$task" ]; then
        echo "All tasks are right. You are through! make grade tries all of them once more."
        exit 0
    fi
}

try_task() {
    clear
    if build/check check "$task"; then
        right=yes
        echo "$task is right. n: go on to the next task   q: quit"
    else
        right=no
        echo "Watching $file. h: a hint   q: quit"
    fi
}

find_task
while :; do
    now=$(cat lab.h "$file" 2>/dev/null | cksum)
    if [ "$now" != "$before" ]; then
        before=$now
        try_task
    fi
    case $(dd bs=1 count=1 2>/dev/null) in
    h) build/check hint "$task" ;;
    n) if [ "$right" = yes ]; then find_task; else echo "$task is not right yet."; fi ;;
    q) exit 0 ;;
    esac
done
