# reached.awk - Which public functions can allocate, and which of them an allocation has failed in.
#
#     objdump -d PROGRAM | awk -v stacks=FILE -v names=FILE -v own=FILE -f reached.awk
#
# `stacks` has the return addresses that out_of_memory.c met where an allocation failed, `names` the public functions,
# `own` all of the library. A function can allocate that calls memory.c's, or one that can. Prints the functions and the
# places without a fault, and at last how many there are with one.
BEGIN {
    while ((getline line < stacks) > 0)
        failed[line] = 1
    while ((getline line < names) > 0)
        public[line] = 1
    while ((getline line < own) > 0)
        library[line] = 1
}
# Functions are told apart by their addresses: static ones of two files may have one name.
/^[0-9a-f]+ <.*>:$/ {
    caller = $1
    sub(/^0+/, "", caller)
    name[caller] = substr($2, 2, length($2) - 3)
    call = 0
    next
}
call {
    address = $1
    sub(/:/, "", address)
    call = 0
    if (address in failed) reached[caller] = 1
    if (called ~ /^memory_(alloc|alloc_array|grow|copy_text|copy_texts)$/ && name[caller] in library &&
        name[caller] !~ /^memory_/) {
        places++
        if (address in failed) failed_places++
        else print "no fault at a call of " called " in " name[caller]
    }
    calls[++edges] = caller " " callee
    if (called == "memory_alloc") gate = callee
}
/[\t ]call[q]?[\t ]/ && /<[a-z0-9_]+>$/ {
    callee = $(NF - 1)
    called = $NF
    gsub(/[<>]/, "", called)
    call = 1
}
END {
    allocates[gate] = 1
    for (more = 1; more;) {
        more = 0
        for (i = 1; i <= edges; i++) {
            split(calls[i], edge, " ")
            if (edge[2] in allocates && !(edge[1] in allocates)) { allocates[edge[1]] = 1; more = 1 }
        }
    }
    for (f in allocates)
        if (name[f] in public && f != gate) {
            functions++
            if (f in reached) failed_functions++
            else print "no fault in " name[f]
        }
    print failed_functions + 0 " of " functions + 0 " public functions that allocate, at " failed_places + 0 " of " \
        places + 0 " places"
}
