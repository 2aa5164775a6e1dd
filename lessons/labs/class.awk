# class.awk - from the results.json of each student a line of CSV, and a summary of all to standard output.
#
#     awk -v csv=class.csv -f class.awk ./ann/results.json ./bob/results.json
#
# It reads any JSON, of which it takes: score, output, of extra_data the seed and what makes a remark, and of each of
# tests its number and score.

# A field of CSV. A newline in a name is shown as \n, so that a line is a student; and a name that a spreadsheet would
# take for a formula gets an apostrophe.
function field(text)
{
    gsub(/\n/, "\\n", text)
    gsub(/\r/, "\\r", text)
    if (text ~ /^[=+@\t-]/ && text !~ /^-?[0-9.]+$/) text = "'" text
    if (text ~ /[",]/) { gsub(/"/, "\"\"", text); text = "\"" text "\"" }
    return text
}

BEGIN {
    meaning["n"] = "\n"
    meaning["t"] = "\t"
    meaning["r"] = "\r"
    meaning["b"] = meaning["f"] = meaning["u"] = "?"
}

# What a string of JSON means, as far as it is shown here. One escape after the other: \\n is a backslash and an n.
function unescaped(text,    done, escaped)
{
    done = ""
    while (match(text, /\\(u....|.)/)) {
        escaped = substr(text, RSTART + 1, 1)
        done = done substr(text, 1, RSTART - 1) (escaped in meaning ? meaning[escaped] : escaped)
        text = substr(text, RSTART + RLENGTH)
    }
    return done text
}

# One value that is neither object nor list, at the end of its path: ".tests.#.score" is one of a test.
function take(where, value)
{
    if (where == ".score") score = value
    else if (where == ".output") output = value
    else if (where == ".extra_data.seed") seed = value
    else if (where == ".extra_data.final") final = value
    else if (where ~ /^\.extra_data\.perhaps_measured/) measured = measured " " value
    else if (where == ".tests.#.number") number = value
    else if (where == ".tests.#.score") points = value
}

function end_of_test()
{
    if (!(number in column)) { column[number] = ++columns; task[columns] = number }
    won[student, column[number]] = points
    total += points
    tests++
    number = points = ""
}

# JSON, a token at a time: strings, numbers and words are values or keys; the path of keys is kept in `path`.
function read_json(text,    depth, token, is_key, where)
{
    depth = 0
    path[0] = ""
    while (match(text, /"([^"\\]|\\.)*"|[-+.0-9eE]+|true|false|null|[][{}:,]/)) {
        token = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        where = path[depth]
        if (token == "{" || token == "[") {
            depth++
            path[depth] = where (kind[depth - 1] == "[" ? ".#" : depth > 1 ? key[depth - 1] : "")
            kind[depth] = token
            is_key = token == "{"
            key[depth] = ""
        } else if (token == "}" || token == "]") {
            if (where == ".tests.#") end_of_test()
            depth--
        } else if (token == ",") {
            is_key = kind[depth] == "{"
        } else if (token == ":") {
            is_key = 0
        } else {
            if (token ~ /^"/) token = unescaped(substr(token, 2, length(token) - 2))
            if (is_key) key[depth] = "." token
            else take(where key[depth], token)
        }
    }
}

function end_of_student()
{
    score = output = seed = number = points = final = measured = ""
    total = tests = 0
    read_json(json)
    name[student] = file
    sub(/^\.\//, "", name[student])
    sub(/\/results\.json$/, "", name[student])
    scores[student] = tests > 0 ? total : score + 0
    seeds[student] = seed
    if (tests == 0) {
        sub(/\n.*/, "", output)
        remark[student] = output == "" ? "not graded" : output
        not_graded++
        return
    }
    if (final == "false") remark[student] = "not final: this machine has no walls that keep the reference secret"
    if (measured != "")
        remark[student] = remark[student] (remark[student] ? "; " : "") "perhaps measured by a nudge:" measured
}

FNR == 1 { if (student++ > 0) { student--; end_of_student(); student++ } json = ""; file = FILENAME }
{ json = json $0 "\n" }

END {
    if (student > 0) end_of_student()
    line = "student,score"
    for (i = 1; i <= columns; i++) line = line "," task[i]
    print line ",seed,remark" >csv
    for (s = 1; s <= student; s++) {
        line = field(name[s]) "," scores[s]
        for (i = 1; i <= columns; i++) line = line "," won[s, i]
        print line "," seeds[s] "," field(remark[s]) >csv
        if (s == 1 || scores[s] < least) least = scores[s]
        if (s == 1 || scores[s] > most) most = scores[s]
        sum += scores[s]
        for (i = 1; i <= columns; i++) solved[i] += won[s, i] > 0
    }
    if (student > 0) printf "Scores: mean %.1f, from %g to %g", sum / student, least, most
    if (not_graded > 0) printf "; not graded: %d, see the remarks", not_graded
    print ""
    if (columns > 0) print "How many solved each task:"
    for (i = 1; i <= columns; i++)
        printf("   %s: %d%s", task[i], solved[i], (i % 8 == 0 || i == columns) ? "\n" : "")
}
