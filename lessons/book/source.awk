# source.awk - a source of the engine as a page: its first sentence, and all its lines. With typeset.awk.

BEGIN {
    read_pages(work "/pages")
}

{ source[NR] = $0 }

END {
    file = FILENAME
    short = file
    sub(/^.*\//, "", short)
    other = short
    if (!sub(/\.h$/, ".c", other))
        sub(/\.c$/, ".h", other)
    for (i = 1; i < NR && source[i] !~ / - /; i++)
        ;
    question = source[i]
    sub(/^[^ ]* ?[^ ]* - /, "", question)
    sub(/ *\*\/$/, "", question)
    if (match(question, /\. /))
        question = substr(question, 1, RSTART)
    print "---\npagetitle: \"" file "\"\nlang: en\n---\n\n```{=html}"
    print "<p class=\"kicker\"><a href=\"sources.html\">The sources</a></p><h1><code>" file "</code></h1>"
    print "<p class=\"meta\">" inline(question) ((other in pages) ? " See also <a href=\"" pages[other] "\"><code>" other "</code></a>." : "") "</p>"
    print "```\n\n````{." (short ~ /py$/ ? "python" : "c") " .numberLines #c1 startFrom=\"1\"}"
    for (i = 1; i <= NR; i++)
        print source[i]
    print "````"
    while ((getline line < (work "/places")) > 0) {
        split(line, part, "\t")
        if (index(part[2], short ".html#") != 1)
            continue
        number = part[2]
        sub(/^.*#L/, "", number)
        text = source[number]
        gsub(/  +/, " ", text)
        print "[\"" short "\",\"Declared\",\"" part[2] "\"," json(text) "]," >> (work "/search")
    }
}
