# declared.awk - where is each function, macro and type of the engine declared? Prints "name TAB page#Lline TAB kind".
# Kinds: h (declared in a header), c (a static function of one .c file). Headers must come before the .c files.

FNR == 1 {
    page = FILENAME
    sub(/^.*\//, "", page)
    is_header = page ~ /\.h$/
    depth = 0
    in_comment = 0
    in_enum = 0
}

function found(name) {
    print name "\t" page ".html#L" FNR "\t" (is_header ? "h" : "c")
}

# The line without comments, texts and characters.
function bare(line,    at) {
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    gsub(/'([^'\\]|\\.)+'/, "0", line)
    if (in_comment) {
        at = index(line, "*/")
        if (at == 0)
            return ""
        line = substr(line, at + 2)
        in_comment = 0
    }
    gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
    sub(/\/\/.*/, "", line)
    at = index(line, "/*")
    if (at > 0) {
        in_comment = 1
        line = substr(line, 1, at - 1)
    }
    return line
}

{
    line = bare($0)
    if (is_header && line ~ /^#define [A-Za-z_]+\(/) {
        name = line
        sub(/^#define /, "", name)
        sub(/\(.*/, "", name)
        found(name)
    } else if (is_header && line ~ /^    X\([A-Z]+, [a-z]+,/) {
        name = line
        sub(/^    X\(/, "", name)
        sub(/,.*/, "", name)
        found("OP_" name)
    } else if (line ~ /^#/ || line ~ /^ *X\(/) {
        next
    } else if (depth == 0 && is_header && line ~ /^(typedef )?(struct|enum) [A-Za-z]+ *\{/) {
        name = line
        sub(/ *\{.*/, "", name)
        sub(/^.* /, "", name)
        found(name)
        in_enum = line ~ /enum/
    } else if (depth == 0 && is_header && line ~ /^typedef [a-z]+ [A-Z][A-Za-z]+\(/) {
        name = line
        sub(/\(.*/, "", name)
        sub(/^.* /, "", name)
        found(name)
    } else if (depth == 0 && line ~ /^[A-Za-z_][A-Za-z0-9_ *]*[ *][a-z][A-Za-z0-9_]*\(/ && line !~ /^(return|else|typedef)/) {
        name = line
        sub(/\(.*/, "", name)
        sub(/^.*[ *]/, "", name)
        if (is_header || line ~ /^static /)
            found(name)
    } else if (in_enum && line ~ /^    [A-Z][A-Z0-9_]+/) {
        name = line
        sub(/^ */, "", name)
        sub(/[^A-Z0-9_].*/, "", name)
        found(name)
    }
    opened = gsub(/\{/, "{", line)
    closed = gsub(/\}/, "}", line)
    depth += opened - closed
    if (depth <= 0) {
        depth = 0
        in_enum = 0
    }
}
