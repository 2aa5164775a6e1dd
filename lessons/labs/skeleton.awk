# skeleton.awk - cut a skeleton from a lab: the reference with the bodies of its tasks taken out.
#
#     awk -f skeleton.awk lab3.c >handed/out/lab3.c
#
# Printed is only what students may see: the comment at the head of the file, the #include lines before the first task,
# and of each task its comment, which begins with "/* Task 3.2 ", and its function as far as the first "{"; there it
# becomes "not written yet". All else is left out: bodies, what helps them, and hints (hints.awk).

function print_stub() {
    print "{"
    printf "    not_written(\"%s\");\n", task
    if (returns == "double" || returns == "int") print "    return 0;"
    else if (returns != "void") printf "    return (%s){0};\n", returns
    print "}"
}

/^\/\*/ { in_comment = 1; comment = ""; hint = 0; returns = ""; task = /^\/\* Task / ? $3 : "" }
in_comment {
    if (/^ \* (Hint|Chapter): /) hint = 1
    last = sub(/\*\/.*/, "*/")
    if (!hint) comment = comment $0 "\n"
    else if (last) sub(/( \*)?\n$/, " */\n", comment)
    if (last) {
        in_comment = 0
        if (task != "") { tasks++; print "" }
        if (task != "" || comments == 0) printf "%s", comment
        comments++
    }
    next
}
/^#include / && tasks == 0 { print }
task != "" && NF > 0 {
    if (returns == "") returns = $1
    is_body = sub(/[ \t]*\{.*/, "")
    if ($0 != "") print
    if (is_body) { print_stub(); task = "" }
}
