# skeleton.awk - cut a skeleton from a lab: the reference with the bodies of its tasks taken out.
#
#     awk -f skeleton.awk lab3.c >handed/out/lab3.c
#
# The comment "/* Task 3.2 ..." is the only marker. Each function that follows one becomes "not written yet"; static
# functions, which only help the reference, go with their comments; hints go too, to a file of their own (hints.awk).
# Functions begin and end in the first column, or stand on one line, as clang-format leaves them.

function flush_comment() { printf "%s", comment; comment = "" }
function print_stub() {
    print "{"
    printf "    not_written(\"%s\");\n", task
    if (returns == "double" || returns == "int") print "    return 0;"
    else if (returns != "void") printf "    return (%s){0};\n", returns
    print "}"
    task = ""
}

/^\/\*/ { in_comment = 1; comment = ""; hint = 0; task = ($2 == "Task") ? $3 : "" }
in_comment {
    if ($0 ~ /^ \* (Hint|Chapter): /)
        hint = 1
    last = $0 ~ /\*\/$/
    if (!hint)
        comment = comment $0 "\n"
    else if (last)
        sub(/( \*)?\n$/, " */\n", comment)
    if (last) {
        in_comment = 0
        if (comments++ == 0 && task == "") flush_comment() # the head of the file
    }
    next
}
/^static .*\)$/ { cutting = helper = 1; comment = "" }
/^static .*\) \{.*\}$/ { skip_blank = 1; comment = ""; next }
cutting { if ($0 ~ /^}/) { cutting = 0; skip_blank = helper; helper = 0 } next }
skip_blank && /^$/ { skip_blank = 0; next }
{ skip_blank = 0; flush_comment() }
task != "" && /^[A-Za-z].*\(/ { returns = $1 }
task != "" && /^[A-Za-z].*\) \{.*\}$/ { sub(/ \{.*/, ""); print; print_stub(); next } # all on one line
task != "" && /^\{/ { print_stub(); cutting = 1; next }
{ print }
