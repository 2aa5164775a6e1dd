# link.awk - finish a page that pandoc has made: lines of code get their numbers and anchors (#L12), names of the
# engine in it become links, and the chapter's entry in the contents is marked.
#
#     LC_ALL=C awk -f link.awk -v places=FILE -v pages=FILE -v own=FILE.c -v page=NN_name.html PAGE
#
# own: the source that the page shows. What it declares itself is not the engine's: those names lead to their own line.

BEGIN {
    FS = "\t"
    while ((getline line < places) > 0) {
        split(line, part, "\t")
        name = part[1]
        target = part[2]
        same = index(target, page "#") == 1
        if (same)
            own_line[name] = substr(target, index(target, "#"))
        else if (part[3] == "h" && !(name in place))
            place[name] = target
    }
    while ((getline line < pages) > 0) {
        split(line, part, "\t")
        file_page[part[1]] = part[2]
    }
    uses_engine = 0
    number = 0
    while ((getline line < own) > 0) {
        number++
        if (line ~ /^#include "/)
            uses_engine = 1
        if (line ~ /^(static )?[A-Za-z_][A-Za-z0-9_ *]*[ *][A-Za-z_][A-Za-z0-9_]*\(/ && line !~ /^(return|else)/) {
            name = line
            sub(/\(.*/, "", name)
            sub(/^.*[ *]/, "", name)
            if (!(name in own_line) && (line ~ /\{ *$/ || line ~ /\{.*\}$/ || line !~ /;$/))
                own_line[name] = "#L" number
        }
        if (line ~ /^typedef struct [A-Za-z]+ *\{/) {
            split(line, part, " ")
            own_line[part[3]] = "#L" number
        }
    }
}

# The target of a name, or "".
function target_of(name, before) {
    if (before ~ /(\.|-&gt;)$/)
        return ""
    if (name in own_line)
        return own_line[name] == "#L" line_number ? "" : own_line[name]
    return uses_engine && (name in place) ? place[name] : ""
}

function link_text(s, class,    out, name, before, target) {
    if (class == "st" || class == "ch" || class == "dv" || class == "fl")
        return s
    if (class == "im") {
        name = s
        gsub(/&quot;/, "", name)
        if (name in file_page)
            return "<a href=\"" file_page[name] "\">" s "</a>"
        return s
    }
    out = ""
    while (match(s, /&[a-z]+;|[A-Za-z_][A-Za-z0-9_]*/)) {
        before = substr(s, 1, RSTART - 1)
        name = substr(s, RSTART, RLENGTH)
        s = substr(s, RSTART + RLENGTH)
        target = name ~ /^&/ || (class == "co" && name !~ /_/) ? "" : target_of(name, last before)
        out = out before (target == "" ? name : "<a href=\"" target "\">" name "</a>")
        last = last before name
    }
    last = last s
    return out s
}

function link_line(line,    out, tag, class, text) {
    out = ""
    class = ""
    last = ""
    while (match(line, /<[^>]*>/)) {
        tag = substr(line, RSTART, RLENGTH)
        text = substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH) # before link_text, which matches too
        out = out link_text(text, class) tag
        if (tag ~ /^<span class="/) {
            class = tag
            sub(/^<span class="/, "", class)
            sub(/".*/, "", class)
        } else
            class = ""
    }
    return out link_text(line, class)
}

# Each line of code: <span id="c1-12"><a href="#c1-12"...></a>CODE</span>
function code_line(line,    start, rest) {
    while (match(line, /<span id="c[0-9]+-[0-9]+"><a href="[^"]*"[^>]*><\/a>/)) {
        start = substr(line, 1, RSTART - 1)
        line_number = substr(line, RSTART, RLENGTH)
        rest = substr(line, RSTART + RLENGTH)
        sub(/^<span id="c[0-9]+-/, "", line_number)
        sub(/".*/, "", line_number)
        sub(/ style="[^"]*"/, "", start)
        return start "<span class=\"line\" id=\"L" line_number "\"><a class=\"number\" href=\"#L" line_number "\" data-n=\"" line_number "\" aria-label=\"line " line_number "\"></a>" link_line(rest)
    }
    return line
}

/<span id="c[0-9]+-[0-9]+">/ { $0 = code_line($0) }

/<li><a class="chapter"/ && index($0, "href=\"" page "\"") { sub(/<a class="chapter"/, "<a class=\"chapter\" aria-current=\"page\"") }

# pandoc writes widths of columns and the like as styles, which the page's policy forbids.
/<(col|td|th|tr|table)[ >]/ { gsub(/ style="[^"]*"/, "") }

{
    gsub(/<pre class="sourceCode/, "<pre tabindex=\"0\" class=\"sourceCode")
    print
}
