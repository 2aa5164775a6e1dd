# private.awk - read the tasks that a teacher added and write what they need.
#
#     awk -v part=h -f private.awk lab0.c >private.h     the table of them, for lab.h
#     awk -v part=c -f private.awk lab0.c >private.c     the file itself, and behind it each forward function and range
#
# README.md says how such a file is written. A slip in it ends this with file:line and what to do.

function fail(line, message)
{
    printf "%s:%d: %s\n", FILENAME, line, message | "cat >&2"
    failed = 1
    exit 1
}

# The text behind "Forward:" and its like.
function rest() { sub(/^ \* [A-Za-z]+: */, ""); sub(/ *\*\/ *$/, ""); return $0 }

# As a string of C: "\\\\&" puts one backslash before what was found.
function quoted(text) { gsub(/["\\]/, "\\\\&", text); return "\"" text "\"" }

part == "c" { text = text $0 "\n" }

/^\/\* Task / {
    if ($0 !~ /^\/\* Task 0\.[1-9][0-9]* \([0-9]+ points?\) +[^ ]/)
        fail(NR, "a task begins like this: /* Task 0.1 (2 points)  y = asinh a.")
    n++
    id[n] = $3
    if (id[n] in taken) fail(NR, "there already is a task " id[n] ". Give each its own number.")
    taken[id[n]] = 1
    if (in_head) fail(begins[n - 1], "task " id[n - 1] " has no function below its comment.")
    points[n] = substr($4, 2)
    goal[n] = $0
    sub(/^[^)]*\) +/, "", goal[n])
    sub(/\.? *(\*\/)? *$/, "", goal[n])
    begins[n] = NR
    in_comment = 1
}
in_comment {
    last = /\*\//
    if (last && $0 !~ /\*\/[ \t\r]*$/) fail(NR, "the comment of task " id[n] " ends here. Begin a new line behind it.")
    if (/^ \* Forward: *y = /) { forward_line[n] = NR; forward[n] = rest(); sub(/^y = */, "", forward[n]) }
    else if (/^ \* Range: /) {
        if (split(rest(), word, " +") != 3 || word[1] !~ /^[ab]$/ || word[2] + 0 >= word[3] + 0)
            fail(NR, "a range is a name, a lowest and a highest number: Range: a -3 3")
        low[n, word[1]] = word[2] + 0
        high[n, word[1]] = word[3] + 0
    }
    else if (/^ \* Hint: /) hints[n]++
    else if (/^ \* Chapter: /) chapter[n] = 1
    if (last) { in_comment = 0; in_head = 1; head = "" }
    next
}
in_head && !/^[ \t]*$/ {
    if (head == "") head_line = NR
    head = head " " $0
    if (head !~ /\{/) next
    in_head = 0
    sub(/\{.*/, "", head)
    gsub(/[ \t]+/, " ", head)
    sub(/^ /, "", head)
    sub(/ $/, "", head)
    returns[n] = head
    sub(/ .*/, "", returns[n])
    name[n] = head
    sub(/\(.*/, "", name[n])
    sub(/.* /, "", name[n])
    parameters[n] = substr(head, index(head, "("))
    wanted = returns[n] == "void" ? "(double a, double b, double y, double g, double grad[2])" \
                                  : "(double a, double y, double g)"
    if (head != returns[n] " " name[n] parameters[n] || returns[n] !~ /^(void|double)$/ || parameters[n] != wanted)
        fail(head_line, "below the comment of task " id[n] " comes its function, " \
                 "double NAME(double a, double y, double g) " \
                 "or void NAME(double a, double b, double y, double g, double grad[2]); here stands: " head)
    if (forward[n] == "")
        fail(begins[n], "task " id[n] " does not say what y is. Add a line: Forward: y = a / (1 + fabs(a))")
    if (!((n, "a") in low) || (returns[n] == "void") != ((n, "b") in low))
        fail(begins[n], "task " id[n] " needs a range for each operand. Add a line: Range: a -3 3")
    if (hints[n] != 3 || !chapter[n])
        fail(begins[n], "task " id[n] " needs three lines Hint: and behind them one line Chapter:, for `make hint`.")
}

END {
    if (failed) exit 1
    if (in_comment || in_head) fail(begins[n], "task " id[n] " has no function below its comment.")
    if (n == 0) fail(1, "there is no task. One begins like this: /* Task 0.1 (2 points)  y = asinh a.")
    if (part == "h") {
        printf "/* private.h - the tasks that your teacher added. Made by private.awk. */\n#define TASKS_0(X)"
        for (i = 1; i <= n; i++)
            printf " \\\n    X(%s, %s, %s, \"%s\", %s, %s)", returns[i], name[i], parameters[i], id[i], points[i],
                quoted(goal[i])
        print ""
        exit
    }
    printf "#line 1 %s\n%s", quoted(FILENAME), text
    for (i = 1; i <= n; i++) {
        printf "\ndouble %s_forward(double a, double b);\ndouble %s_forward(double a, double b)\n{\n", name[i], name[i]
        printf "    (void)b;\n#line %d %s\n    return %s;\n}\n", forward_line[i], quoted(FILENAME), forward[i]
        printf "extern const double %s_range[4];\nconst double %s_range[4] = {%.17g, %.17g, %.17g, %.17g};\n", name[i],
            name[i], low[i, "a"], high[i, "a"], low[i, "b"], high[i, "b"]
    }
}
