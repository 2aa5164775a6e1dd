#!/bin/sh
# flakes.sh - does a test fail now and then? The suite RUNS times (20), in each of six settings in turn: beside 0, 8 and 20
# busy loops, with one and with four tests at a time (Criterion's --jobs).
#
#     OUT=build/prove/flakes RUNS=20 sh tests/prove/flakes.sh
#
# $OUT/runs.tsv has a line for each run that was finished: number, load, jobs, seconds, passed, failed. A run that was
# interrupted is made again. The log of a run that failed is kept as $OUT/run-N.log.
set -u

out=${OUT:-build/prove/flakes}
runs=${RUNS:-20}
mkdir -p "$out" || exit 1
touch "$out/runs.tsv"

export BUILD="$out/build" BROWSER=no TEST_SECONDS=14400
make -j2 BUILD="$BUILD" check FILTER='axis/*' >"$out/build.log" 2>&1 || {
    cat "$out/build.log"
    echo "The tests could not be built or run." | tee "$out/figure.txt"
    exit 77
}

# One folder is enough for all runs; beside the tests, so many loops that end with this script.
loops=
begin_load() { # how many
    loops=
    count=0
    while [ $((count += 1)) -le "$1" ]; do
        sh -c 'while kill -0 "$1" 2>/dev/null; do i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; done' loop $$ &
        loops="$loops $!"
    done
}
end_load() {
    for loop in $loops; do kill "$loop" 2>/dev/null && wait "$loop" 2>/dev/null; done
    loops=
}
trap end_load EXIT
trap 'exit 1' HUP INT TERM

run_once() { # number, load, jobs
    log=$out/run-$1.log
    begin_load "$2"
    begin=$(date +%s)
    sh tests/run_tests.sh --jobs "$3" >"$log" 2>&1
    seconds=$(($(date +%s) - begin))
    end_load
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$log" | tail -n 1)
    passed=${counts% *} failed=${counts#* }
    [ -n "$counts" ] || passed=0 failed=1 # it died: that is a failure, too
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$seconds" "$passed" "$failed" >>"$out/runs.tsv"
    echo "run $1: load $2, -j$3: $passed passed, $failed failed, $seconds s"
    if [ "$failed" -eq 0 ]; then
        rm "$log"
    else
        grep -a -E '\[FAIL\]|CRASH|^tests/run_tests.sh:' "$log"
        echo "all that it said: $log"
    fi
}

n=0
while [ "$n" -lt "$runs" ]; do
    load=$(echo 0 8 20 | cut -d ' ' -f $((n / 2 % 3 + 1)))
    jobs=$(echo 4 1 | cut -d ' ' -f $((n % 2 + 1)))
    n=$((n + 1))
    grep -q "^$n	" "$out/runs.tsv" || run_once "$n" "$load" "$jobs"
done

awk -F '\t' -v runs="$runs" '$1 <= runs {
        key = $2 " busy loops, -j" $3
        if (!(key in count)) keys[++kinds] = key
        count[key]++; failed[key] += $6; all += $6; total++
        if ($4 > longest[key]) longest[key] = $4
    }
    END {
        printf "%d runs of the suite on a machine with %s processors, %d tests failed. ", total, processors, all
        for (i = 1; i <= kinds; i++)
            printf "%s: %d runs, %d failed, the longest %d s%s", keys[i], count[keys[i]], failed[keys[i]],
                longest[keys[i]], i < kinds ? "; " : ".\n"
        print "Not run: the tests in a browser."
    }' processors="$(getconf _NPROCESSORS_ONLN)" "$out/runs.tsv" >"$out/figure.txt"
cat "$out/figure.txt"
! awk -F '\t' -v runs="$runs" '$1 <= runs && $6 > 0 { bad = 1 } END { exit !bad }' "$out/runs.tsv"
