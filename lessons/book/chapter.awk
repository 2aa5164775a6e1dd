# chapter.awk - a chapter's source to Markdown for pandoc: prose as raw HTML (typeset.awk), code as blocks of C.
#
#     LC_ALL=C awk -f typeset.awk -f chapter.awk -v work=DIR -v number=05 NN_name.c
#
# DIR holds what make_book.sh has found: chapters, places, pages, and for this chapter NN.out (what it printed),
# NN.figures (its pictures). Appends to DIR/search, one line per entry of the index of the search.
#
# A head comment has: the name and the question; paragraphs; displays (indented by four); "It prints ..."; the commands
# for gdb. After the code a comment with exercises and the next question. All are found by these marks.

BEGIN {
    FS = "\t"
    search_file = work "/search"
    while ((getline line < (work "/chapters")) > 0) {
        n = split(line, part, "\t")
        total++
        chapter_number[total] = part[1]
        chapter_name[total] = part[2]
        chapter_question[total] = part[3]
        chapter_idea[total] = part[4]
        chapter_part[total] = part[5]
        chapter_time[total] = part[6]
        chapter_needs[total] = part[7]
        chapter_page[part[1] + 0 ""] = part[2] ".html"
        if (part[1] == number)
            here = total
    }
    read_places(work "/places")
    read_pages(work "/pages")
}

{ source[NR] = $0 }

# ---- output ----

function html_on() { if (!in_html) { print "\n```{=html}"; in_html = 1 } }
function html_off() { if (in_html) { print "```\n"; in_html = 0 } }
function html(s) { html_on(); print s }

# Make s findable at this page's #anchor.
function findable(heading, anchor, s) {
    gsub(/`/, "", s)
    gsub(/  +/, " ", s)
    print "[" json((number + 0) " " chapter_idea[here]) "," json(heading) "," \
        json(chapter_name[here] ".html#" anchor) "," json(s) "]," >> search_file
}

function section(id, title) {
    html("<h2 id=\"" id "\"><a href=\"#" id "\">" title "</a></h2>")
    heading = title
}

function paragraph(text, class,    id) {
    id = "p" (++paragraphs)
    html("<p id=\"" id "\"" (class == "" ? "" : " class=\"" class "\"") ">" inline(text) "</p>")
    findable(heading, id, text)
}

# "New here: nudging. Move ..." with its idea made strong.
function new_here(text,    at, idea, rest, id) {
    id = "p" (++paragraphs)
    at = index(text, ":")
    idea = substr(text, at + 2)
    rest = idea
    sub(/[.,:].*$/, "", idea)
    rest = substr(rest, length(idea) + 1)
    idea = capital(idea)
    html("<p id=\"" id "\" class=\"new\"><span class=\"tag\">New here</span> <strong>" inline(idea) "</strong>" inline(rest) "</p>")
    findable(heading, id, text)
}

# ---- displays ----

# Split a line into cells (two spaces divide them): cell[1..n], with their first and last columns.
function cells_of(line, cell, from, to,    n, column) {
    n = 0
    column = 0
    while (line != "") {
        match(line, /^ */)
        column += RLENGTH
        line = substr(line, RLENGTH + 1)
        if (line == "")
            break
        if (!match(line, /  +/)) {
            RSTART = length(line) + 1
            RLENGTH = 0
        }
        n++
        cell[n] = substr(line, 1, RSTART - 1)
        from[n] = column
        to[n] = column + columns(cell[n]) - 1
        line = substr(line, RSTART)
        column = to[n] + 1
    }
    return n
}

# Lines block[1..count] as a table: cells that stand below one another share a column.
function grid(block, count,    i, k, n, c, cell, from, to, used, begin, columns_used, text, row, rows, wide, alone, column) {
    for (i = 1; i <= count; i++) {
        n = cells_of(block[i], cell, from, to)
        for (k = 1; k <= n; k++)
            for (c = from[k]; c <= to[k]; c++)
                used[c] = 1
        for (k in cell)
            delete cell[k]
    }
    for (c = 0; c <= 200; c++) {
        if ((c in used) && !((c - 1) in used))
            columns_used++
        begin[c] = columns_used
    }
    rows = 0
    for (i = 1; i <= count; i++) {
        n = cells_of(block[i], cell, from, to)
        alone = n == 1 && begin[from[1]] > 1 || (n == 1 && cell[1] ~ /^\( .* \)$/)
        column = begin[from[1]]
        if (alone && rows > 0 && text[rows, column] != "") { # goes on from the line above
            if (cell[1] ~ /^\( .* \)$/)
                text[rows, column] = substr(text[rows, column], 1, length(text[rows, column]) - 1) "; " substr(cell[1], 3)
            else
                text[rows, column] = text[rows, column] " " cell[1]
            continue
        }
        rows++
        for (k = 1; k <= n; k++) {
            column = begin[from[k]]
            text[rows, column] = text[rows, column] (text[rows, column] == "" ? "" : "  ") cell[k]
        }
    }
    html("<div class=\"display\" tabindex=\"0\"><table>")
    for (i = 1; i <= rows; i++) {
        row = "<tr>"
        for (c = 1; c <= columns_used; c++) {
            n = split(text[i, c], cell, "  ")
            wide = ""
            for (k = 1; k <= n; k++)
                wide = wide (k > 1 ? "&emsp;" : "") inline(cell[k], 1)
            row = row "<td" (text[i, c] ~ /[a-z][a-z]+ [a-z]+ [a-z]+/ ? " class=\"words\"" : "") ">" wide "</td>"
        }
        html(row "</tr>")
    }
    html("</table></div>")
}

function drawing(block, count,    i) {
    html("<pre class=\"drawing\" tabindex=\"0\">")
    for (i = 1; i <= count; i++)
        html(escape(block[i]))
    html("</pre>")
}

# Commands for a shell or gdb, one a line, with what they show and a remark.
function commands(block, count,    i, line, prompt, command, rest, shown) {
    html("<div class=\"commands\">")
    for (i = 1; i <= count; i++) {
        line = block[i]
        prompt = "$"
        if (line ~ /^\(gdb\) /) {
            prompt = "(gdb)"
            line = substr(line, 7)
        }
        rest = shown = ""
        command = line
        if (match(line, /  +/)) {
            command = substr(line, 1, RSTART - 1)
            rest = substr(line, RSTART + RLENGTH)
        }
        if (rest ~ /^= /) {
            shown = substr(rest, 3)
            rest = ""
            if (match(shown, /  +/)) {
                rest = substr(shown, RSTART + RLENGTH)
                shown = substr(shown, 1, RSTART - 1)
            }
        }
        links_plain_names = 0
        html("<div class=\"command\"><code><span class=\"prompt\">" prompt "</span> " link_code(command) "</code>" \
            (shown == "" ? "" : "<samp>= " escape(shown) "</samp>") \
            (rest == "" ? "" : "<span class=\"remark\">" inline(rest) "</span>") "</div>")
        findable(heading, "gdb", command " " shown " " rest)
    }
    html("</div>")
}

function is_shell(line) { return line ~ /^(cc|make|python3|build\/)[ \/]/ }

# ---- comments ----

# Lines from..to of the source without the comment's frame: text[1..], a blank line for each paragraph's end.
function uncomment(from, to, text,    i, n, line) {
    n = 0
    for (i = from; i <= to; i++) {
        line = source[i]
        sub(/^\/\* ?/, "", line)
        sub(/^ \*\/$/, "", line)
        sub(/^ \* ?/, "", line)
        sub(/ *\*\/$/, "", line)
        text[++n] = line
    }
    return n
}

function end_block(    i, text) {
    if (count == 0)
        return
    if (block[1] ~ /^    /) {
        for (i = 1; i <= count; i++)
            block[i] = substr(block[i], 5)
        if (block[1] ~ /^\(gdb\)/ || block[2] ~ /^\(gdb\)/) {
            if (!in_gdb)
                start_gdb()
            commands(block, count)
        } else if (is_shell(block[1])) {
            commands(block, count)
        } else {
            text = ""
            for (i = 1; i <= count; i++)
                text = text block[i]
            if (text ~ /─|│|┐|┘|└|┌|├|┤/)
                drawing(block, count)
            else
                grid(block, count)
            findable(heading, "p" paragraphs, text)
        }
    } else {
        text = block[1]
        for (i = 2; i <= count; i++)
            text = text " " block[i]
        if (text ~ /^It prints/)
            start_output()
        if (text ~ /^New here:/)
            new_here(text)
        else
            paragraph(text)
    }
    count = 0
}

function head(from, to,    text, n, i) {
    n = uncomment(from, to, text)
    count = 0
    for (i = 2; i <= n; i++) {
        if (text[i] ~ /^ *$/) {
            end_block()
            continue
        }
        if (count > 0 && (text[i] ~ /^    /) != (block[1] ~ /^    /))
            end_block()
        block[++count] = text[i]
    }
    end_block()
}

# The gdb part comes after the code, so it is kept back.
function start_gdb() {
    if (!in_output)
        start_output()
    show_output()
    in_gdb = 1
    show_code()
    section("gdb", "Step through it")
}

function start_output() {
    in_output = 1
    section("output", "What it prints")
}

function show_output(    line, name) {
    if (output_shown)
        return
    output_shown = 1
    html("<figure class=\"terminal\"><figcaption><code><span class=\"prompt\">$</span> make lesson L=" number "</code></figcaption><pre tabindex=\"0\">")
    name = work "/" number ".out"
    while ((getline line < name) > 0) {
        findable("What it prints", "output", line)
        line = escape(line)
        if (line ~ /^ok /)
            line = "<span class=\"ok\">ok</span>" substr(line, 3)
        else if (line ~ /^FAILED/)
            line = "<span class=\"failed\">FAILED</span>" substr(line, 7)
        html(line)
    }
    close(name)
    html("</pre></figure>")
    name = work "/" number ".figures"
    while ((getline line < name) > 0)
        figure(line)
    close(name)
}

# What the head says of a picture: "It draws loss.svg, the curves by epoch, and boundary.svg, where ..."
function caption_of(name,    i, text, at) {
    for (i = 2; i < body_from; i++) {
        at = source[i]
        sub(/^ \* ?/, "", at)
        text = text " " at
    }
    at = index(text, name)
    if (at == 0)
        return ""
    text = substr(text, at + length(name))
    if (text !~ /^[,:] /)
        return ""
    text = substr(text, 3)
    if (match(text, /(, and [a-z_0-9]+\.svg|[.;] |\.$|\. *\(gdb\))/))
        text = substr(text, 1, RSTART - 1)
    return trim(text)
}

# A line of NN.figures: kind TAB path TAB width TAB what it says of itself.
function figure(line,    part, name, caption) {
    split(line, part, "\t")
    name = part[2]
    sub(/^.*\//, "", name)
    caption = caption_of(name)
    if (caption == "")
        caption = part[4]
    caption = capital(caption)
    if (part[1] == "svg")
        html("<figure class=\"picture\"><a href=\"" part[2] "\" title=\"" name " alone\"><img src=\"" part[2] "\"" (part[3] > 620 ? " class=\"wide\"" : "") \
            " width=\"" int(part[3]) "\" alt=\"" escape(caption) "\"></a><figcaption>" inline(caption) \
            " <span class=\"name\">" name "</span></figcaption></figure>")
    else if (part[1] == "player")
        html("<figure class=\"player\"><iframe src=\"" part[2] "\" title=\"" escape(caption) "\" loading=\"lazy\"></iframe>" \
            "<figcaption>Play it step by step, or <a href=\"" part[2] "\">open it alone</a>.</figcaption></figure>")
    else {
        html("<details class=\"terminal\"><summary>" name " (no dot here to render it)</summary><pre tabindex=\"0\">")
        name = work "/" part[2]
        while ((getline line < name) > 0)
            html(escape(line))
        close(name)
        html("</pre></details>")
    }
}

# ---- code ----

function code_block(from, to,    i) {
    while (from <= to && source[from] ~ /^ *$/)
        from++
    while (to >= from && source[to] ~ /^ *$/)
        to--
    if (from > to)
        return
    html_off()
    print "````{.c .numberLines #c" (++code_blocks) " startFrom=\"" from "\"}"
    for (i = from; i <= to; i++) {
        print source[i]
        if (source[i] ~ /[a-z]/)
            findable("The code", "L" i, trim(source[i]))
    }
    print "````\n"
}

function show_code(    i, from, title, id) {
    section("code", "The code")
    html("<p class=\"aside\">The file is <a href=\"" chapter_name[here] ".c\" download><code>" chapter_name[here] \
        ".c</code></a>; the lines are numbered as there.</p>")
    from = body_from
    for (i = body_from; i <= body_to; i++) {
        if (source[i] ~ /^\/\* -+ .* -+ \*\/$/) {
            code_block(from, i - 1)
            title = source[i]
            sub(/^\/\* -+ /, "", title)
            sub(/ -+ \*\/$/, "", title)
            id = "part" (++code_parts)
            html("<h3 id=\"" id "\"><a href=\"#" id "\">" unlinked(title) "</a></h3>")
            from = i + 1
        } else if (source[i] ~ /^int main\(/) {
            code_block(from, i - 1)
            html("<h3 id=\"main\"><a href=\"#main\"><code>main</code></a></h3>")
            from = i
        }
    }
    code_block(from, body_to)
}

# ---- the end of the file ----

function exercise(text, id) {
    sub(/^ *[0-9]+\. */, "", text)
    id = "exercise" (++exercises)
    html("<li id=\"" id "\">" inline(text) "</li>")
    findable("Exercises", id, text)
}

function tail(from, to,    text, n, i, item, next_text, lead) {
    n = uncomment(from, to, text)
    section("exercises", "Exercises")
    html("<ol class=\"exercises\">")
    for (i = 2; i <= n; i++) {
        if (text[i] ~ /^ *[0-9]+\. / || text[i] ~ /^ *$/ || text[i] ~ /^Next:/) {
            if (item != "")
                exercise(item)
            item = ""
        }
        if (text[i] ~ /^Next:/)
            break
        if (text[i] !~ /^ *$/)
            item = item (item == "" ? "" : " ") trim(text[i])
    }
    if (item != "")
        exercise(item)
    html("</ol>")
    for (; i <= n; i++)
        next_text = next_text " " trim(text[i])
    sub(/^ *Next: */, "", next_text)
    sub(/ *-> .*$/, "", next_text)
    if (trim(next_text) == "")
        return
    lead = here < total ? "<a class=\"onward\" href=\"" chapter_name[here + 1] ".html\">Chapter " (here + 1) ": " \
        unlinked(chapter_idea[here + 1]) " →</a>" : ""
    html("<aside class=\"next\" id=\"next\"><span class=\"tag\">Next</span> " inline(capital(trim(next_text))) lead "</aside>")
    findable("Next", "next", next_text)
}

function turn_pages(    left, right) {
    left = here > 1 ? "<a rel=\"prev\" href=\"" chapter_name[here - 1] ".html\">← " (here - 1) " " unlinked(chapter_idea[here - 1]) "</a>" : "<span></span>"
    right = here < total ? "<a rel=\"next\" href=\"" chapter_name[here + 1] ".html\">" (here + 1) " " unlinked(chapter_idea[here + 1]) " →</a>" : "<span></span>"
    html("<nav class=\"turn\" aria-label=\"Chapters\">" left "<a href=\"index.html\">contents</a>" right "</nav>")
}

END {
    for (head_to = 1; source[head_to] !~ /\*\/ *$/; head_to++)
        ;
    body_from = head_to + 1
    body_to = NR
    for (i = NR; i > body_from; i--)
        if (source[i] ~ /^\/\* Exercises/) {
            tail_from = i
            body_to = i - 1
        }
    question = chapter_question[here]
    print "---\npagetitle: " json((number + 0) " " chapter_idea[here] " – " question) "\nlang: en\n---"
    html("<p class=\"kicker\">" escape(chapter_part[here]) " · " (number + 0) "</p>")
    html("<h1><span class=\"number\">" (number + 0) "</span> " unlinked(question) "</h1>")
    html("<p class=\"meta\">" inline(chapter_idea[here]) (chapter_time[here] == "" ? "" : " · " chapter_time[here]) \
        (chapter_needs[here] == "" ? "" : " · needs " (chapter_needs[here] ~ /^[0-9]+$/ ? "chapter " : chapter_needs[here] ~ /^[0-9]/ ? "chapters " : "") \
        needs(chapter_needs[here])) "</p>")
    heading = "The idea"
    findable("The question", "", question)
    head(1, head_to)
    if (!in_output)
        start_output()
    show_output()
    if (!in_gdb)
        show_code()
    if (tail_from)
        tail(tail_from, NR)
    turn_pages()
    html_off()
}

# "3, 5" with links.
function needs(text,    part, n, i, out) {
    n = split(text, part, ", ")
    for (i = 1; i <= n; i++)
        out = out (i > 1 ? ", " : "") ((part[i] in chapter_page) ? "<a href=\"" chapter_page[part[i]] "\">" part[i] "</a>" : escape(part[i]))
    return out
}
