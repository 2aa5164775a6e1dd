#!/bin/sh
# sanitizers.sh - the suites of engine and viz under AddressSanitizer with UBSan, MemorySanitizer, ThreadSanitizer and
# valgrind; then a fault after another is put into a source, which its tool must find.
#
# All is compiled with prove/criterion instead of Criterion, so that every line but libc's is instrumented. In a graph
# lists have red zones, and nodes are poisoned when they are released (engine/memory.h). A run that was clean with this
# very program is not done again, nor is a fault that was found. TOOLS='msan tsan' tries these alone, ONLY='value nn'
# fewer suites, MINUTES=12 ends what is not done after that time; then, the bar does not hold.
# Reads: Makefile engine viz lessons tests tests/prove/criterion tests/prove/faults.txt
set -u
all='asan-gcc asan-clang msan tsan valgrind'
tools=${TOOLS:-$all}
every='awkward backward csv data dot dot_groups dual error expression file golden gpt gradcheck graph hessian jacobian
loss matrix memory micrograd model nn null number ops optim params player plot random replay replay_use threads utf8
value vmath walk'
address='-O1 -g -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all'
memory='-fsanitize=memory -fsanitize-memory-track-origins'
figures='' failed=0
end=$(($(date +%s) + 60 * ${MINUTES:-10000}))

export ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1" MSAN_OPTIONS=halt_on_error=1
export STEPGRAD_TEST_CHAIN=100000 OMP_WAIT_POLICY=passive

# Sets compiler, flags, the tests that are run, what runs them, and what the tool says
# when it finds something.
choose() { # tool
    compiler=clang wanted='*' before='' suites=${ONLY:-$every}
    case $1 in
    asan-gcc) compiler=gcc flags=$address says='ERROR: (Address|Leak)Sanitizer|runtime error:' ;;
    asan-clang) flags=$address says='ERROR: (Address|Leak)Sanitizer|runtime error:' ;;
    msan) flags="-O1 -g $memory" says='MemorySanitizer: use-of-uninit' ;;
    # Where libomp has a tool of its own for it, archer, ThreadSanitizer knows its barriers.
    tsan) flags='-O1 -g -fsanitize=thread' suites='threads replay replay_use'
        wanted='threads/* replay/*thread* replay/blocks* replay_use/*'
        says='WARNING: ThreadSanitizer' ;;
    # It knows neither AVX-512 nor numbers of more than 64 bits, and is slow.
    valgrind) compiler=gcc flags='-O1 -g' says='^==[0-9]+== [A-Z0-9]'
        before='valgrind --quiet --error-exitcode=99 --leak-check=full --track-origins=yes --num-callers=25
            --errors-for-leak-kinds=definite,indirect,possible' ;;
    esac
    folder=$OUT/$1
}

in_time() { # command
    left=$((end - $(date +%s)))
    [ "$left" -gt 0 ] && timeout "$left" "$@"
}

is_here() { # tool
    for command in $compiler ${before%% *}; do
        command -v "$command" >/dev/null || return 1
    done
}

build() { # what make is to build below the folder; then the program $folder/run
    objects="$folder/tests/adg.o $folder/tests/prove/criterion/run.o"
    for suite in $suites; do
        objects="$objects $folder/tests/test_$suite.o"
    done
    # shellcheck disable=SC2086 # lists of words
    in_time ${MAKE:-make} --no-print-directory -j2 BUILD="$folder" CC=$compiler CFLAGS="$flags" CPPFLAGS=-Itests/prove \
        WARNINGS=-w $objects "$folder/libstepgrad.a" >"$folder.build" 2>&1 ||
        { tail "$folder.build" && return 1; }
    # shellcheck disable=SC2015,SC2086
    [ -x "$folder/run" ] && [ -z "$(find $objects "$folder/libstepgrad.a" -newer "$folder/run")" ] ||
        $compiler $flags -fopenmp -o "$folder/run" $objects "$folder/libstepgrad.a" -lm
}

run() { # program, log, tests: whether all passed and the tool said nothing
    set -f # the tests' names are patterns
    # shellcheck disable=SC2086
    in_time $before "$1" $3 >"$2" 2>&1
    status=$?
    set +f
    [ "$status" -eq 0 ] && ! grep -qE "$says" "$2"
}

clean() { # tool
    log=$folder.log
    if [ ! -f "$folder.clean" ] || [ -n "$(find "$folder/run" -newer "$folder.clean")" ]; then
        rm -f "$folder.clean" "$folder.found"
        run "$folder/run" "$log" "$wanted" || { grep -E -A 12 "FAIL|$says" "$log" | head -n 60 && return 1; }
        tail -n 1 "$log" >"$folder.clean"
    fi
    cat "$folder.clean"
}

# A copy of the source with the fault in it, which is linked before the library.
found() { # tool, file, sed script, tests, what it must say
    faulty=$folder/faulty
    mkdir -p "$faulty" && sed -e "$3" "$2" >"$faulty/fault.c" || return 1
    if cmp -s "$2" "$faulty/fault.c"; then
        echo "the fault changes nothing in $2" && return 1
    fi
    # shellcheck disable=SC2086
    $compiler -std=c11 -w -ffp-contract=off $flags -fopenmp -iquote "$(dirname "$2")" -Iengine -Iviz -o "$faulty/run" \
        "$faulty/fault.c" $objects "$folder/libstepgrad.a" -lm || return 1
    ! run "$faulty/run" "$faulty/log" "$4" && grep -qE "$5" "$faulty/log"
}

try_faults() { # tool: sets count and good
    count=0 good=0
    while IFS='@' read -r of file script tests words; do
        case "$of" in *"${1%%-*}"*) ;; *) continue ;; esac
        count=$((count + 1))
        if grep -qsxF "$file $script" "$folder.found" || found "$1" "$file" "$script" "$tests" "$words"; then
            good=$((good + 1)) && echo "$file $script" >>"$folder.found" && echo "found: $words in $file"
        else
            echo "NOT found: $words in $file: $script" && tail -n 5 "$folder/faulty/log"
        fi
    done <tests/prove/faults.txt
    [ "$count" -gt 0 ] && [ "$good" -eq "$count" ]
}

for tool in $all; do
    choose "$tool"
    case " $tools " in *" $tool "*) ;; *) figures="$figures$tool: not run. " && continue ;; esac
    is_here || { figures="$figures$tool: not run, it is not here. " && continue; }
    echo "==== $tool: $compiler $flags"
    if ! build || ! result=$(clean "$tool"); then
        what='NOT clean'
        [ "$(date +%s)" -lt "$end" ] || what='not run to its end'
        echo "${result:-}" && failed=1 figures="$figures$tool: $what. " && continue
    fi
    echo "$result"
    try_faults "$tool" || failed=1
    # shellcheck disable=SC2086 # lists of words
    figures="$figures$tool, $(echo $suites | wc -w) suites: $result; $good of $count faults found. "
done
echo "$figures" | tee "$OUT/figure.txt"
exit "$failed"
