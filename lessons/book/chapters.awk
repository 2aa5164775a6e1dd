# chapters.awk - one line for a chapter: number, name, question, idea, part, time, needs (TAB between them).
#
#     LC_ALL=C awk -f chapters.awk -v name=NN_name lessons/README.md lessons/NN_name.c
#
# The question is the first line of the chapter's head; the rest stands in the course page, in the table of its part.

function trim(s) {
    sub(/^[ \t]+/, "", s)
    sub(/[ \t]+$/, "", s)
    return s
}

FILENAME ~ /README\.md$/ && /^## / { heading = substr($0, 4) }

FILENAME ~ /README\.md$/ && index($0, "](" name ".c)") && /^\|/ {
    n = split($0, cell, "|")
    idea = cell[2]
    sub(/^ *\[[0-9]* */, "", idea)
    sub(/\].*$/, "", idea)
    part = heading
    time = trim(cell[5])
    needs = trim(cell[6])
}

FILENAME !~ /README\.md$/ && FNR == 1 {
    question = $0
    sub(/^[^-]* - /, "", question)
    sub(/ *\*\/$/, "", question)
}

END {
    if (idea == "") {
        idea = substr(name, 4)
        gsub(/_/, " ", idea)
    }
    print substr(name, 1, 2) "\t" name "\t" question "\t" idea "\t" part "\t" time "\t" needs
}
