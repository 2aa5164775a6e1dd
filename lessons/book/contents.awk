# contents.awk - lists of pages: kind=nav (beside every page), kind=index (the first page), kind=sources (the engine).
# With typeset.awk; reads WORK/chapters, and for the sources the first line of each.

BEGIN { FS = "\t" }

function chapters_of(    line, part) {
    while ((getline line < (work "/chapters")) > 0) {
        split(line, part, "\t")
        total++
        name[total] = part[2]
        question[total] = part[3]
        idea[total] = part[4]
        in_part[total] = part[5]
        minutes[total] = part[6]
    }
}

# Chapters whose part differs from the one before get its heading.
function chapters(    i, list) {
    for (i = 1; i <= total; i++) {
        if (i == 1 || in_part[i] != in_part[i - 1]) {
            if (i > 1)
                print "</ol>"
            if (in_part[i] != "")
                print "<h2>" escape(in_part[i]) "</h2>"
            print (kind == "nav" ? "<ol>" : "<ol class=\"list\">")
        }
        if (kind == "nav")
            print "<li><a class=\"chapter\" href=\"" name[i] ".html\"><span class=\"n\">" i "</span><span>" unlinked(idea[i]) "</span></a></li>"
        else
            print "<li><a href=\"" name[i] ".html\"><span class=\"n\">" i "</span><span class=\"question\">" unlinked(question[i]) \
                "</span><span class=\"time\">" minutes[i] "</span><span class=\"idea\">" unlinked(idea[i]) "</span></a></li>"
    }
    if (total > 0)
        print "</ol>"
}

function cover(    line, title, text) {
    while ((getline line < "lessons/README.md") > 0) {
        if (line ~ /^# /) {
            title = substr(line, 3)
            sub(/^[^:]*: /, "", title)
            title = toupper(substr(title, 1, 1)) substr(title, 2)
        } else if (line ~ /^ *$/ && text != "")
            break
        else
            text = text " " line
    }
    close("lessons/README.md")
    print "<div class=\"cover\"><h1>" escape(title) "</h1><p>" inline(trim(text)) "</p></div>"
}

function first_sentence(file,    line, text) {
    while ((getline line < file) > 0 && line !~ / - /)
        ;
    close(file)
    text = line
    sub(/^[^ ]* ?[^ ]* - /, "", text)
    sub(/ *\*\/$/, "", text)
    if (match(text, /\. /))
        text = substr(text, 1, RSTART)
    return text
}

function list_sources(    n, i, file, short, kinds) {
    n = split(sources, file, /[ \n]+/)
    print "<h1>The engine, as the chapters use it</h1>"
    print "<p class=\"meta\">Every name of the engine in a chapter leads to its line here.</p>"
    print "<ul class=\"list\">"
    for (i = 1; i <= n; i++) {
        if (file[i] == "")
            continue
        short = file[i]
        sub(/^.*\//, "", short)
        print "<li><a href=\"" short ".html\"><span class=\"n\"></span><span class=\"question\"><code>" file[i] "</code></span><span class=\"time\"></span><span class=\"idea\">" \
            unlinked(first_sentence(file[i])) "</span></a></li>"
    }
    print "</ul>"
}

END {
    chapters_of()
    read_pages(work "/pages")
    if (kind == "nav") {
        print "<nav class=\"contents\" aria-label=\"Contents\">"
        chapters()
        print "<h2>Beside them</h2>\n<ul><li><a class=\"chapter\" href=\"course.html\">The course, and for teachers</a></li>" \
            "<li><a class=\"chapter\" href=\"course.html#cheat-sheet\">Cheat sheet</a></li>" \
            "<li><a class=\"chapter\" href=\"sources.html\">The engine's sources</a></li></ul>\n</nav>"
        exit
    }
    print "---\npagetitle: \"stepgrad – " (kind == "index" ? "contents" : "the engine") "\"\nlang: en\n---\n\n```{=html}"
    if (kind == "index") {
        cover()
        chapters()
        print "<h2>Beside them</h2>\n<ul class=\"list\"><li><a href=\"course.html\"><span class=\"n\"></span><span class=\"question\">The course</span><span class=\"time\"></span>" \
            "<span class=\"idea\">which chapter answers what, and plans for teachers</span></a></li>" \
            "<li><a href=\"course.html#cheat-sheet\"><span class=\"n\"></span><span class=\"question\">Cheat sheet</span><span class=\"time\"></span><span class=\"idea\">every local derivative on one page</span></a></li>" \
            "<li><a href=\"sources.html\"><span class=\"n\"></span><span class=\"question\">The engine's sources</span><span class=\"time\"></span><span class=\"idea\">what the code of the chapters links to</span></a></li></ul>"
    } else
        list_sources()
    print "```"
}
