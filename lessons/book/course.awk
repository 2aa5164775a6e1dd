# course.awk - lessons/README.md as a page of the book: links lead to its pages, headings get anchors. With typeset.awk.

BEGIN {
    read_pages(work "/pages")
    print "---\npagetitle: \"The course\"\nlang: en\n---\n\n```{=html}\n<div class=\"essay\">\n```\n"
}

# [text](target) with the target of the book.
function relink(line,    out, target, file) {
    out = ""
    while (match(line, /\]\([^)]*\)/)) {
        target = substr(line, RSTART + 2, RLENGTH - 3)
        file = target
        sub(/^.*\//, "", file)
        if (file in pages)
            target = pages[file]
        else if (file ~ /\.svg$/)
            target = "images/" file
        out = out substr(line, 1, RSTART - 1) "](" target ")"
        line = substr(line, RSTART + RLENGTH)
    }
    return out line
}

function anchor(title) {
    title = tolower(title)
    gsub(/[^a-z0-9 -]/, "", title)
    gsub(/ /, "-", title)
    return title
}

/^## / {
    id = anchor(substr($0, 4))
    print "```{=html}\n<h2 id=\"" id "\"><a href=\"#" id "\">" escape(substr($0, 4)) "</a></h2>\n```"
    next
}

/^\|/ && !in_table { print "```{=html}\n<div class=\"scroll\" tabindex=\"0\">\n```\n"; in_table = 1 }
!/^\|/ && in_table { print "\n```{=html}\n</div>\n```\n"; in_table = 0 }

{ print relink($0) }

END { print "\n```{=html}\n</div>\n```" }
