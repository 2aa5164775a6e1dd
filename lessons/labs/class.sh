#!/bin/sh
# Grade a whole class: a folder of submissions, one folder per student.
#
#     class.sh SUBMISSIONS RESULTS JOBS GRADE [OPTION...]
#
# `make class` calls it. RESULTS ("": SUBMISSIONS.results) receives class.csv and, in a folder per student, the grader's
# results.json and what it said, graded.txt. Run it again to go on after an interruption, or for those who have handed
# in anew: a student whose files are the same is not graded again, if the grader, its options and its table are, too.
# That is seen from graded_from.txt.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$here/find_labs.sh"

stop() { echo "make class: $1" >&2 && exit 1; }

submissions=${1%/}
results=${2:-$submissions.results}
jobs=$3
grade=$4
shift 3
[ -d "$submissions" ] || stop "there is no folder $submissions. It holds one folder per student."
case $jobs in '' | *[!0-9]* | 0) stop "JOBS=$jobs: how many are graded at a time? Give a number from 1." ;; esac
[ -x "$grade" ] || stop "$grade is not a program. Build it: make build/grade"
mkdir -p "$results" || stop "cannot make the folder $results."
submissions=$(cd "$submissions" && pwd) && results=$(cd "$results" && pwd) || exit 1
case $results/ in "$submissions"/*) stop "the results would lie among the submissions. Give another RESULTS." ;; esac
claims=$(mktemp -d) || exit 1
workers=
trap 'rm -rf "$claims"' EXIT
trap 'kill $workers 2>/dev/null; wait; exit 130' INT TERM HUP

# A folder's last name. No $(basename), which would drop a newline at its end.
name_of() {
    name=${1%/}
    name=${name##*/}
}

# What a grade depends on, beside the submission: the grader's command line, and each file that is named there, or lies
# in a folder that is.
grader_is() { # the grader's command line
    printf '%s\n' "$*"
    for word in "$@"; do
        [ ! -e "$word" ] || find -H "$word" -type f -exec cksum {} + | sort
    done
}

# The files of the labs, by what is in them: a time says little, since cp -p and unzip keep old ones. The grader takes
# no links, no pipes, and nothing as large as 300 kB.
submission_is() { # student's folder
    for file in "$1"lab[0-9]*.c; do
        if [ -f "$file" ] && [ ! -L "$file" ]; then
            echo "${file##*/} $(head -c 300000 "$file" | cksum)"
        elif [ -e "$file" ] || [ -L "$file" ]; then
            echo "${file##*/} is not a file"
        fi
    done
}

# graded_from.txt is written when the grader has ended. What could not be graded has no tests in its results.
is_graded() { # folder of the results, what they must be from
    [ -f "$1/graded_from.txt" ] && [ "$(cat "$1/graded_from.txt")" = "$2" ] && grep -q '"tests"' "$1/results.json"
}

# One student. The grader's own status 1 says "could not grade", and it has written why; others mean that it failed.
grade_one() { # folder for the results, student's folder, the grader's command line
    to=$1 && student=$2 && shift 2
    mkdir -p "$to" && rm -f "$to/graded_from.txt" || return
    "$@" "$student" "$to/results.json" >"$to/graded.txt" 2>&1 </dev/null &
    grading=$!
    wait "$grading"
    status=$?
    if [ "$status" -gt 1 ]; then
        echo "The grader ended with status $status." >>"$to/graded.txt"
        printf '{"score": 0, "output": "not graded: the grader ended with status %d, see graded.txt"}\n' "$status" \
            >"$to/results.json"
    fi
}

# All workers go through the same list; a student is graded by the one that is first to make the folder in $claims.
work() { # the grader's command line
    grading=
    trap 'kill $grading 2>/dev/null; wait; exit 1' TERM
    number=0
    for folder in "$submissions"/*/; do
        number=$((number + 1))
        mkdir "$claims/$number" 2>/dev/null || continue
        name_of "$folder"
        find_labs "${folder%/}"
        from=$(printf '%s\n' "$grader" && submission_is "$found/")
        if ! is_graded "$results/$name" "$from"; then
            grade_one "$results/$name" "$found" "$@" && printf '%s\n' "$from" >"$results/$name/graded_from.txt"
            : >"$claims/$number/graded"
        fi
    done
}

grader=$(grader_is "$@")
job=0
while [ $((job += 1)) -le "$jobs" ]; do
    work "$@" &
    workers="$workers $!"
done
wait

set --
for folder in "$submissions"/*/; do
    [ -d "$folder" ] || stop "there is no student's folder in $submissions"
    name_of "$folder"
    set -- "$@" "./$name/results.json"
done
graded=$(($(find "$claims" -name graded | wc -l)))
echo "$# students: $graded graded now, $(($# - graded)) not changed since they were graded."
cd "$results" && awk -v csv=class.csv.part -f "$here/class.awk" "$@" && mv class.csv.part class.csv || exit 1
echo "Results: $results/class.csv"
