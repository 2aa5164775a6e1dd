-- contents.lua - the pages that lead to others: the list beside every page, the first page, the sources, the course.

local names = require 'names'
local Page = require 'page'
local typeset = require 'typeset'
local unlinked = typeset.unlinked

local PART = 'Reference'
local BESIDE = {
    { part = PART, page = 'course.html', short = 'The course, with plans for teachers', question = 'The course',
        idea = 'which chapter answers what, and plans for teachers' },
    { part = PART, page = 'course.html#cheat-sheet', short = 'Cheat sheet', question = 'Cheat sheet',
        idea = 'every local derivative on one page' },
    { part = PART, page = 'sources.html', short = "The engine's sources", question = "The engine's sources",
        idea = 'what the code of the chapters links to' },
}

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
    local items = table.move(BESIDE, 1, #BESIDE, #chapters + 1, { table.unpack(chapters) })
    return '<nav class="contents" aria-label="Contents">\n' .. set_list(items, 'short', set_short) .. '</nav>'
end

function contents.index(chapters, course)
    local page = Page.new('index.html', 'stepgrad – contents')
    local title, text = course:match('^# [^:\n]*: ([^\n]*)\n+(.-)\n\n')
    page:add('<div class="cover"><h1>%s</h1><p>%s</p></div>', unlinked(typeset.capital(title)), typeset.inline(text))
    page:add('%s', set_list(chapters, 'list', set_long) .. set_list(BESIDE, 'list', set_long))
    page:write()
end

function contents.sources(sources)
    local page = Page.new('sources.html', 'stepgrad – the sources')
    page:add('<h1>The sources</h1><p class="meta">Every engine name in a chapter links to its line here.</p>')
    page:add('%s', set_list(sources, 'list', function(source)
        return set_long { page = source.page, question = '`' .. source.path .. '`', idea = source.summary }
    end))
    page:write()
end

local function relink(target)
    local file = target:match('[^/]*$')
    return names.page[file] or file:match('%.svg$') and 'images/' .. file or target
end

-- Turns the course page, which is Markdown, into a page of the book: links lead to its pages, wide tables scroll.
local COURSE = {
    Link = function(link) return pandoc.Link(link.content, relink(link.target)) end,
    Image = function(image) return pandoc.Image(image.caption, relink(image.src)) end,
    Header = function(header)
        header.content = { pandoc.Link(header.content, '#' .. header.identifier) }
        return header.level > 1 and header or nil
    end,
    Table = function(table) return pandoc.Div({ table }, pandoc.Attr('', { 'scroll' }, { tabindex = '0' })) end,
}

function contents.course(text)
    local page = Page.new('course.html', 'The course')
    local course = pandoc.read(text, 'commonmark+pipe_tables+gfm_auto_identifiers'):walk(COURSE)
    page:add('<div class="essay">\n%s\n</div>', pandoc.write(course, 'html'))
    page:write()
end

return contents
