# typeset.awk - set the plain text of a comment as HTML: mathematics, names of C, links. Functions only; see chapter.awk.
#
# The sources write mathematics as a person would in a comment: L = (W·x + b)², ∂L/∂W, Σ_k x[i,k]·w[k,j]. It is
# recognised word by word: a word is mathematics if it has a mathematical sign or is a lone letter, and so is what an
# operator ties to it. Run awk with LC_ALL=C: then every awk sees bytes, and positions are counted by columns().
#
# Wants the array `place`: the page and line of each name of the engine (read_places), and `pages` (read_pages).

BEGIN {
    split("log exp tanh sin cos sqrt max min sigmoid relu softplus softmax logsumexp", names, " ")
    for (i in names)
        is_function[names[i]] = 1
    # Signs that only mathematics has. Alternatives, not a [set]: each is several bytes.
    SIGN = "∂|Σ|·|√|∞|×|−|→|←|≤|≥|≠|½|∛|" \
        "⁰|¹|²|³|⁴|⁵|⁶|⁷|⁸|⁹|⁻|ᵀ|ᵢ|ⱼ|ᵇ|ᵃ"
    OPERATOR = "^(=|\\+|-|−|·|/|→|←|<|>|≤|≥|≠|×)$"
    raised["⁰"] = "0"; raised["¹"] = "1"; raised["²"] = "2"; raised["³"] = "3"; raised["⁴"] = "4"
    raised["⁵"] = "5"; raised["⁶"] = "6"; raised["⁷"] = "7"; raised["⁸"] = "8"; raised["⁹"] = "9"
    raised["⁻"] = "−"; raised["ᵀ"] = "T"; raised["ᵇ"] = "<i>b</i>"; raised["ᵃ"] = "<i>a</i>"
    lowered["ᵢ"] = "<i>i</i>"; lowered["ⱼ"] = "<i>j</i>"
}

# ---- reading what other scripts have found ----

# Lines "name TAB page#anchor TAB kind" from declared.awk.
function read_places(file,    line, part) {
    while ((getline line < file) > 0) {
        split(line, part, "\t")
        if (!(part[1] in place))
            place[part[1]] = part[2]
    }
    close(file)
}

# Lines "file TAB page": what a file name in the text leads to.
function read_pages(file,    line, part) {
    while ((getline line < file) > 0) {
        split(line, part, "\t")
        pages[part[1]] = part[2]
    }
    close(file)
}

# ---- characters ----

function escape(s) {
    gsub(/&/, "\\&amp;", s)
    gsub(/</, "\\&lt;", s)
    gsub(/>/, "\\&gt;", s)
    gsub(/"/, "\\&quot;", s)
    return s
}

# The first character of s, whether this awk counts bytes or characters.
function first_character(s) {
    if (match(s, /^[\300-\377][\200-\277]+/))
        return substr(s, 1, RLENGTH)
    return substr(s, 1, 1)
}

# How many columns s takes on a screen.
function columns(s) {
    if (length("é") > 1)
        gsub(/[\200-\277]/, "", s)
    return length(s)
}

# s as a string of JavaScript.
function json(s) {
    gsub(/\\/, "\\\\&", s)
    gsub(/"/, "\\\"", s)
    gsub(/\t/, " ", s)
    gsub(/</, "\\u003c", s)
    return "\"" s "\""
}

function trim(s) {
    sub(/^[ \t]+/, "", s)
    sub(/[ \t]+$/, "", s)
    return s
}

function capital(s) { return toupper(substr(s, 1, 1)) substr(s, 2) }

function count_of(s, c,    copy) {
    copy = s
    return gsub(c, "", copy)
}

# ---- mathematics ----

# One name: a lone letter is a variable (d before it is a differential), letters and digits carry an index.
function set_name(name) {
    if (name ~ /^[A-Za-z]$/)
        return "<i>" name "</i>"
    if (name ~ /^[A-Za-z][0-9]+$/)
        return "<i>" substr(name, 1, 1) "</i><sub>" substr(name, 2) "</sub>"
    if (name ~ /^d[A-Za-z]$/ && !(name in is_function))
        return "<i>" name "</i>"
    return name
}

function set_fraction(above, below) {
    return "<span class=\"frac\"><span>" math(above, 0) "</span><span class=\"slash\">/</span><span>" math(below, 0) \
        "</span></span>"
}

# ( 3 2 0 ; 0 0 1 ): a matrix, its rows divided by semicolons.
function set_matrix(text,    rows, cells, r, c, n, m, out) {
    n = split(text, rows, ";")
    for (r = 1; r <= n; r++) {
        m = split(trim(rows[r]), cells, " ")
        out = out "<mtr>"
        for (c = 1; c <= m; c++)
            out = out "<mtd><mn>" escape(cells[c]) "</mn></mtd>"
        out = out "</mtr>"
    }
    return "<math><mrow><mo>(</mo><mtable>" out "</mtable><mo>)</mo></mrow></math>"
}

# s is mathematics; in a display (on a line of its own) derivatives are fractions with a bar.
function math(s, display,    out, c, head, tail, at) {
    out = ""
    while (s != "") {
        if (match(s, /^\( [^()]* \)/)) {
            out = out set_matrix(substr(s, 3, RLENGTH - 4))
        } else if (display && match(s, /^(d|∂)[A-Za-z]+(\[[a-z0-9,]*\])?\/(d|∂)[A-Za-z]+(\[[a-z0-9,]*\])?/)) {
            head = substr(s, 1, RLENGTH)
            at = index(head, "/")
            c = set_fraction(substr(head, 1, at - 1), substr(head, at + 1))
            match(s, /^(d|∂)[A-Za-z]+(\[[a-z0-9,]*\])?\/(d|∂)[A-Za-z]+(\[[a-z0-9,]*\])?/)
            out = out c
            s = substr(s, length(head) + 1)
            continue
        } else if (match(s, /^[0-9][0-9,.]*(e[-+]?[0-9]+)?/)) {
            if (substr(s, RLENGTH, 1) ~ /[.,]/)
                RLENGTH--
            out = out substr(s, 1, RLENGTH)
        } else if (match(s, /^[A-Za-z]\[[a-z0-9]+(,[a-z0-9]+)*\]/) || match(s, /^d[a-z]\[[a-z0-9]+(,[a-z0-9]+)*\]/)) {
            head = substr(s, 1, RLENGTH)
            at = index(head, "[")
            tail = substr(head, at + 1, length(head) - at - 1)
            gsub(/[a-z]/, "<i>&</i>", tail)
            out = out "<i>" substr(head, 1, at - 1) "</i><sub>" tail "</sub>"
            s = substr(s, length(head) + 1)
            continue
        } else if (match(s, /^_[A-Za-z0-9]+/)) {
            out = out "<sub>" set_name(substr(s, 2, RLENGTH - 1)) "</sub>"
            match(s, /^_[A-Za-z0-9]+/)
        } else if (match(s, /^\^[a-z]_[a-z]/)) {
            out = out "<sup><i>" substr(s, 2, 1) "</i><sub><i>" substr(s, 4, 1) "</i></sub></sup>"
        } else if (match(s, /^\^\([^()]*\)/) || match(s, /^\^[A-Za-z0-9]+/)) {
            head = substr(s, 2, RLENGTH - 1)
            at = RLENGTH
            sub(/^\(/, "", head)
            sub(/\)$/, "", head)
            out = out "<sup>" math(head, 0) "</sup>"
            s = substr(s, at + 1)
            continue
        } else if (match(s, /^[A-Za-z]+[0-9]*/)) {
            head = substr(s, 1, RLENGTH)
            out = out set_name(head)
            s = substr(s, length(head) + 1)
            continue
        } else if (match(s, /^'+/)) {
            for (c = 0; c < RLENGTH; c++)
                out = out "′"
        } else if (s ~ /^-[^>]/) {
            out = out "−"
            RLENGTH = 1
        } else {
            c = first_character(s)
            if (c == "·")
                out = out "<span class=\"times\">·</span>"
            else if (c in raised)
                out = out "<sup>" raised[c] "</sup>"
            else if (c in lowered)
                out = out "<sub>" lowered[c] "</sub>"
            else
                out = out escape(c)
            RLENGTH = length(c)
        }
        s = substr(s, RLENGTH + 1)
    }
    gsub(/<\/sup><sup>/, "", out)
    return out
}

# ---- words ----

function is_number(w) { return w ~ /^[(−-]*[0-9][0-9,.]*(e[-+]?[0-9]+)?[).,;:]*$/ }

# What is left of a word without the brackets and stops around it.
function core(w) {
    sub(/^[("]+/, "", w)
    sub(/[]).,;:?!"]+$/, "", w)
    return w
}

function is_math(w,    c) {
    c = core(w)
    if (w ~ SIGN && w !~ /^(−|→|←|·|×|≤|≥|≠)$/)
        return 1
    if (c ~ /^[0-9]+[b-z]$/ || c ~ /^[a-z]\^/)
        return 1
    if (c ~ /^[b-zB-Z]$/ && c !~ /^[CIV]$/)
        return 1
    if (w ~ /^\(?a[,.:)]/)
        return 1
    if (c ~ /^d[A-Za-z]+\/d[A-Za-z]+$/ || c ~ /^d[XYZWLwxyzb](\[[a-z0-9,]*\])?$/ || c ~ /^[JLf]'*[0-9]?'*$/)
        return 1
    if (c ~ /^[A-Za-z]_[a-z0-9]$/ || c ~ /^d?[a-zA-Z]\[[a-z0-9]+(,[a-z0-9]+)*\]?$/ || c ~ /^[A-Za-z]'+$/)
        return 1
    if (c ~ /^[A-Za-z0-9]+([-+=<>\/*][A-Za-z0-9]+)*[-+=<>*][A-Za-z0-9]+$/ && c ~ /^[A-Za-z]?[-+=<>*\/0-9]|^[a-z][-+=*\/]/)
        return c !~ /^[A-Za-z]-/ && c !~ /^[0-9]+-[a-z][a-z]/
    if (c ~ /^[0-9]*[a-zA-Z]\([-A-Za-z0-9+]*$/ || c ~ /^[a-zA-Z]\.(grad|data|tangent|value)$/)
        return 1
    return 0
}

function is_operand(w) {
    return is_math(w) || is_number(w) || (core(w) ~ /^[A-Za-z][A-Za-z0-9.]*$/) || (core(w) ~ /^[a-z]+\([^ ]*$/)
}

function is_file(w) { return core(w) ~ /^((engine|viz|lessons|tests)\/)?[A-Za-z0-9_]+\.(c|h|py|svg|txt|dot|csv)$/ }

# A name of C, or the beginning of a call.
function is_code(w,    c) {
    c = core(w)
    if (is_file(w) || c ~ /^[A-Za-z]_[a-z0-9]$/ || w ~ SIGN)
        return 0
    return c ~ /^[a-z][a-z0-9]*_[a-zA-Z0-9_]*/ || c ~ /^[A-Z][A-Z]+_[A-Z0-9_]*/ || c ~ /[a-z]->[a-z]/ || \
        c ~ /^[a-z]+\("/ || c ~ /^[a-z_]+\(\)?$/ || c ~ /^[a-z]+\[$/ || c ~ /^[a-z]+\(.*->/ || c ~ /^d_[a-z]+/
}

# Names of the engine within a piece of C become links.
function link_code(s,    out, name, before) {
    out = ""
    before = ""
    while (match(s, /[A-Za-z_][A-Za-z0-9_]*/)) {
        before = substr(s, 1, RSTART - 1)
        name = substr(s, RSTART, RLENGTH)
        s = substr(s, RSTART + RLENGTH)
        out = out escape(before)
        if ((name in place) && before !~ /(\.|->)$/ && (name ~ /_/ || name ~ /^[A-Z]/ || links_plain_names))
            out = out "<a href=\"" place[name] "\">" name "</a>"
        else
            out = out name
    }
    return out escape(s)
}

function set_code(s) { return "<code>" link_code(s) "</code>" }

function set_file(name,    key) {
    key = name
    sub(/^.*\//, "", key)
    if (key in pages)
        return "<a class=\"file\" href=\"" pages[key] "\"><code>" name "</code></a>"
    return "<code>" name "</code>"
}

# Split s into what stands before, inside and after: brackets that it does not close, and stops, are no part of it.
function undress(s) {
    before_it = after_it = ""
    while (s ~ /^[("]/ && count_of(s, "\\(") != count_of(s, "\\)") || s ~ /^"/) {
        before_it = before_it substr(s, 1, 1)
        s = substr(s, 2)
    }
    while (s ~ /[.,;:?!"]$/ || (s ~ /\)$/ && count_of(s, "\\(") < count_of(s, "\\)"))) {
        after_it = substr(s, length(s)) after_it
        s = substr(s, 1, length(s) - 1)
    }
    return s
}

# Text without `code` in it, as HTML.
function set_words(text, display,    word, n, i, j, k, out, span, gap, operator) {
    operator = display ? OPERATOR "|^\\+=$" : OPERATOR # in prose += is a name, not an operator
    n = split(text, word, " ")
    out = text ~ /^ / ? " " : ""
    for (i = 1; i <= n; i++) {
        gap = i > 1 ? " " : ""
        if (is_code(word[i])) {
            span = word[i]
            j = i
            while (count_of(span, "\\(") > count_of(span, "\\)") && substr(span, 1, 1) != "(" && j < n)
                span = span " " word[++j]
            span = undress(span)
            out = out gap escape(before_it) set_code(span) escape(after_it)
            i = j
            continue
        }
        if (is_file(word[i])) {
            span = core(word[i])
            k = index(word[i], span)
            out = out gap escape(substr(word[i], 1, k - 1)) set_file(span) escape(substr(word[i], k + length(span)))
            continue
        }
        if (word[i] ~ /^\(?[Cc]hapters?$/ && word[i + 1] ~ /^[0-9]/ && ((word[i + 1] + 0 "") in chapter_page)) {
            span = word[i + 1] + 0 ""
            out = out gap (sub(/^\(/, "", word[i]) ? "(" : "") "<a href=\"" chapter_page[span] "\">" word[i] " " span \
                "</a>" escape(substr(word[i + 1], length(span) + 1))
            i++
            continue
        }
        if (word[i] == "(" && word[i + 1] != "") { # a matrix
            span = word[i]
            for (j = i + 1; j <= n && word[j] != ")"; j++)
                span = span " " word[j]
            out = out gap "<span class=\"m\">" math(span " )", display) "</span>"
            i = j
            continue
        }
        j = i
        if (is_math(word[i]) || (is_operand(word[i]) && word[i + 1] ~ operator && is_operand(word[i + 2])) ||
            ((word[i] in is_function) && (is_math(word[i + 1]) || is_number(word[i + 1])))) {
            for (;;) {
                if ((word[j] in is_function) && (is_math(word[j + 1]) || is_number(word[j + 1])))
                    j++
                if (word[j + 1] ~ operator && j + 2 <= n && word[j] !~ /[;:,]$/ && is_operand(word[j + 2]))
                    j += 2
                else if (word[j] ~ /(Σ|Σ_[a-z])$/ && j < n)
                    j++
                else
                    break
            }
            if ((word[j] in is_function) && (is_math(word[j + 1]) || is_number(word[j + 1])))
                j++
            span = word[i]
            for (k = i + 1; k <= j; k++)
                span = span " " word[k]
            span = undress(span)
            out = out gap escape(before_it) "<span class=\"" (columns(span) <= 22 ? "m short" : "m") "\">" \
                math(span, display) "</span>" escape(after_it)
            i = j
            continue
        }
        if (word[i] ~ /^(\+=|==|=)[,.]?$/ && !display) {
            span = undress(word[i])
            out = out gap "<code>" span "</code>" after_it
            continue
        }
        out = out gap escape(word[i])
    }
    return out (text ~ / $/ ? " " : "")
}

# The same without links, for what is a link or a heading itself.
function unlinked(text,    out) {
    out = inline(text)
    gsub(/<\/?a( [^>]*)?>/, "", out)
    return out
}

# Text as HTML; `between backticks` is C.
function inline(text, display,    part, n, i, out) {
    n = split(text, part, "`")
    for (i = 1; i <= n; i++)
        if (i % 2 == 0 && is_file(part[i]))
            out = out set_file(part[i])
        else
            out = out (i % 2 == 1 ? set_words(part[i], display) : set_code(part[i]))
    return out
}
