-- contents.lua - the pages that lead to others: the list beside every page, the first page, the sources, the course.

local markdown = require 'markdown'
local names = require 'names'
local Page = require 'page'
local typeset = require 'typeset'
local unlinked = typeset.unlinked

local PART = 'Reference'
local REFERENCE = { -- those with a file only if it is there
    { part = PART, page = 'one_page.c.html', file = 'one_page.c', short = 'The engine on one page',
        question = 'The whole engine on one page', idea = 'all that the chapters build, to read and to write again' },
    { part = PART, page = 'glossary.html', file = 'glossary.md', short = 'Notation and glossary',
        question = 'Notation and glossary', idea = 'every sign and every term, and the chapter that it comes from' },
    { part = PART, page = 'course.html', short = 'The course, with plans for teachers', question = 'The course',
        idea = 'which chapter answers what, and plans for teachers' },
    { part = PART, page = 'course.html#cheat-sheet', short = 'Cheat sheet', question = 'Cheat sheet',
        idea = 'every local derivative on one page' },
    { part = PART, page = 'bench.html', file = 'bench.md', short = 'How fast it is', question = 'How fast it is',
        idea = 'what `make bench` measured, beside plain C, NumPy and PyTorch' },
    { part = PART, page = 'sources.html', short = "The engine's sources", question = "The engine's sources",
        idea = 'what the code of the chapters links to' },
    { part = PART, page = 'all.html', short = 'The book as one page', question = 'The book as one page',
        idea = 'to read on, or to print; `make pdf` does' },
}

local function reference()
    local items = pandoc.List()
    for _, item in ipairs(REFERENCE) do
        if not item.file or names.page[item.file] then items:insert(item) end
    end
    return items
end

local function set_short(item)
    return ('<a class="chapter" href="%s"><span class="n">%s</span><span>%s</span></a>'):format(item.page,
        item.number or '', unlinked(item.short))
end

local function set_long(item)
    return ('<a href="%s"><span class="n">%s</span><span class="question">%s</span><span class="time">%s</span>'
        .. '<span class="idea">%s</span></a>'):format(item.page, item.number or '', unlinked(item.question),
        item.time or '', unlinked(item.idea))
end

-- The items as lists, one for each part they belong to.
local function set_list(items, class, set_item)
    local html, part = '', nil
    for _, item in ipairs(items) do
        if item.part ~= part then
            html = html .. (part and '</ol>' or '') .. '<h2>' .. item.part .. '</h2>\n<ol class="' .. class .. '">\n'
            part = item.part
        end
        html = html .. '<li>' .. set_item(item) .. '</li>\n'
    end
    return html .. '</ol>'
end

local contents = {}

function contents.beside(chapters)
    return '<nav class="contents" aria-label="Contents">\n'
        .. set_list(pandoc.List(chapters) .. reference(), 'short', set_short) .. '</nav>'
end

function contents.index(chapters, course)
    local page = Page.new('index.html', 'stepgrad – contents')
    local title, text = course:match('^# [^:\n]*: ([^\n]*)\n+(.-)\n\n')
    page:add('<div class="cover"><h1>%s</h1><p>%s</p></div>', unlinked(typeset.capital(title)), typeset.inline(text))
    page:add('%s', set_list(pandoc.List(chapters) .. reference(), 'list', set_long))
    page:write()
    return page
end

function contents.sources(sources)
    local page = Page.new('sources.html', 'stepgrad – the sources')
    page:add('<h1>The sources</h1><p class="meta">Every engine name in a chapter links to its line here.</p>')
    page:add('%s', set_list(sources, 'list', function(source)
        return set_long { page = source.page, question = '`' .. source.path .. '`', idea = source.summary }
    end))
    page:write()
end

-- A heading is a link to itself; the page's own is not.
local function set_header(header)
    header.content = { pandoc.Link(header.content, '#' .. header.identifier) }
    return header.level > 1 and header or nil
end

-- A page of Markdown.
function contents.essay(file, title, text)
    local page = Page.new(file, title, title)
    local essay = pandoc.Pandoc(markdown.read(text)):walk { Header = set_header }
    page:add('<div class="essay">\n%s\n</div>', markdown.html(essay.blocks))
    return page
end

function contents.course(text)
    local page = contents.essay('course.html', 'The course', text)
    page:write()
    return page
end

function contents.bench(text)
    local page = contents.essay('bench.html', 'How fast it is', text)
    page:write()
    return page
end

return contents
