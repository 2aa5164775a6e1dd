-- code.lua - a source as lines of HTML: coloured by pandoc, numbered, each name linked to its declaration.

local names = require 'names'

-- A name that the file itself declares links to the line there, any other to the header of the engine.
local function address_of(name, file, number)
    local own, place = file.own[name], names.place[name]
    if own then return own ~= number and '#L' .. own end
    return file.uses_engine and place and place:match('%.h%.html#') and place
end

local function link(context, name)
    local address = address_of(name, context.file, context.number)
    return address and '<a href="' .. address .. '">' .. name .. '</a>' or name
end

local function link_included(file)
    local page = names.page[file:match('[^/]*$')]
    if page then return '<a href="' .. page .. '">&quot;' .. file .. '&quot;</a>' end
end

-- A line as coloured by pandoc. Strings, numbers and members (after . or ->) get no links; in comments only names with
-- _ do, since the others may be English.
local set_line = re.compile([[
    line    <- {~ (literal / include / comment / member / name / tag / entity / .)* ~}
    literal <- '<span class="' ('st' / 'ch' / 'dv' / 'fl') '">' [^<]*
    include <- '<span class="im">' ('&quot;' {(!'&' .)*} '&quot;') -> link_included
    comment <- '<span class="co">' (member / (%context {%w+ '_' [A-Za-z0-9_]*}) -> link / ident / entity / [^<])*
    member  <- ('.' / '-&gt;') '</span>'? ident
    name    <- (%context {ident}) -> link
    ident   <- [A-Za-z_] [A-Za-z0-9_]*
    tag     <- '<' [^>]* '>'
    entity  <- '&' [^;]* ';'
]], { context = lpeg.Carg(1), link = link, link_included = link_included })

local NUMBER = '<span class="line" id="L@"><a class="number" href="#L@" data-n="@" aria-label="line @"></a>'

local code = {}

-- The lines of file as HTML.
function code.lines(file)
    local language, lines = file.path:match('%.py$') and 'python' or 'c', {}
    local block = pandoc.CodeBlock(file.text, pandoc.Attr('c', { language, 'numberLines' }))
    local html = pandoc.write(pandoc.Pandoc { block }, 'html')
    for line in html:gmatch('<span id="c%-%d+"><a [^>]*></a>([^\n]*)</span>') do
        local context = { file = file, number = #lines + 1 }
        lines[context.number] = NUMBER:gsub('@', context.number) .. set_line:match(line, 1, context) .. '</span>'
    end
    return lines
end

-- Lines from..to as a block, without blank ones at its ends.
function code.block(file, lines, from, to)
    while from <= to and file.lines[from] == '' do from = from + 1 end
    while from <= to and file.lines[to] == '' do to = to - 1 end
    return from > to and '' or '<div class="sourceCode"><pre tabindex="0" class="sourceCode"><code>'
        .. table.concat(lines, '\n', from, to) .. '</code></pre></div>'
end

return code
