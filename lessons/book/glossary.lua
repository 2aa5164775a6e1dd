-- glossary.lua - lessons/glossary.md as a page, and links to it from where a chapter first uses a term.

local contents = require 'contents'
local Page = require 'page'

local PAGE = 'glossary.html'
local address = {} -- "reverse mode" -> glossary.html#reverse-mode
local glossary = {}

local function plain(html) return (html:gsub('<[^>]*>', '')) end

-- ---- the page ----

-- A row of its tables, | term | meaning | chapter |: the first cell gives it an id, and the search finds it.
local ROW = '<tr class="%l+">(%s*<td[^>]*>(.-)</td>%s*<td[^>]*>(.-)</td>)'

function glossary.set(text)
    local page = contents.essay(PAGE, 'Notation and glossary', text)
    local terms_begin = page.html[1]:find('<h2[^>]* id="glossary"') or 0
    page.html[1] = page.html[1]:gsub('()' .. ROW, function(at, cells, term, meaning)
        local id = plain(term):lower():gsub('[^%w\128-\255]+', '-')
        page:findable(plain(term .. ': ' .. meaning), id, 'Glossary')
        for name in (at > terms_begin and plain(term) or ''):gmatch('[^,]+') do
            address[name:match('^ *(.-) *$'):lower()] = PAGE .. '#' .. id
        end
        return ('<tr id="%s">'):format(id) .. cells
    end)
    page:write()
    return page
end

-- ---- the links ----

local function link(text, used)
    local term = text:lower()
    term = address[term] and term or term:gsub('s$', '')
    if used[term] then return text end
    used[term] = true
    return ('<a class="term" href="%s">%s</a>'):format(address[term], text)
end

-- The longest term that begins one before a place and ends with a word; a plural is one, too.
local function match_term(html, at)
    for last = at + 40, at + 1, -1 do
        local text = html:sub(at - 1, last)
        local term = text:lower()
        if (address[term] or address[term:gsub('s$', '')]) and not html:match('^[%w-]', last + 1) then
            return last + 1, text
        end
    end
end

-- Not in links, code and formulas.
local set_terms = re.compile([[
    text <- {~ (link / code / span / tag / &[a-zA-Z] (%term %used) -> set / word / .)* ~}
    link <- '<a ' (!'</a>' .)* '</a>'
    code <- '<code' (!'</code>' .)* '</code>'
    span <- '<span' [^>]* '>' (span / !'</span>' .)* '</span>'
    tag  <- '<' [^>]* '>'
    word <- [%w-]+
]], { term = lpeg.Cmt(1, match_term), used = lpeg.Carg(1), set = link })

-- A paragraph's HTML with the terms linked that are not in used; then they are.
function glossary.link(html, used) return next(address) and set_terms:match(html, 1, used) or html end

return glossary
