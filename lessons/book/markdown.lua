-- markdown.lua - Markdown as HTML of the book. pandoc reads it; words and code are typeset as in the chapters, links
-- lead to the book's pages, wide tables scroll.

local names = require 'names'
local typeset = require 'typeset'

local function relink(target)
    local file = target:match('[^/]*$')
    return names.page[file] or file:match('%.svg$') and 'images/' .. file or target
end

local function raw(html) return pandoc.RawInline('html', html) end

-- pandoc may begin a new line within a tag; here a tag is in one.
local function html_of(blocks) return (pandoc.write(pandoc.Pandoc(blocks), 'html'):gsub('<a\n', '<a ')) end

local NUMBERS = { chapter = true, needs = true }

-- Numbers of chapters become links in these columns.
local function link_numbers(table)
    local simple = pandoc.utils.to_simple_table(table)
    for column, header in ipairs(simple.headers) do
        local is_number = NUMBERS[html_of(header)]
        for _, row in ipairs(is_number and simple.rows or {}) do
            local text = html_of(row[column])
            if text:match('^%d[%d, ]*$') then row[column] = { pandoc.Plain { raw(names.link_chapters(text)) } } end
        end
    end
    return pandoc.utils.from_simple_table(simple)
end

local DIFF = { ['-'] = '<del>%s</del>', ['+'] = '<ins>%s</ins>' }

-- The words of neighbours are typeset together: a formula is more than one of them.
local function typeset_words(inlines)
    local out, words = pandoc.List(), ''
    local function flush()
        if words ~= '' then out:insert(raw(typeset.inline(words))) end
        words = ''
    end
    for _, item in ipairs(inlines) do
        if item.t == 'Str' or item.t == 'Space' or item.t == 'SoftBreak' then
            words = words .. (item.text or ' ')
        else
            flush()
            out:insert(item)
        end
    end
    flush()
    return out
end

local FILTER = {
    Code = function(code) return raw(typeset.inline('`' .. code.text .. '`')) end,
    Link = function(link)
        local html = html_of { pandoc.Plain(link.content) }:gsub('</?a[^>]*>', '')
        return link.target == 'answers.md' and raw(html) or pandoc.Link({ raw(html) }, relink(link.target))
    end,
    Image = function(image)
        local says = typeset.escape(pandoc.utils.stringify(image.caption))
        return raw(('<img src="%s" alt="%s">'):format(relink(image.src), says))
    end,
    Inlines = typeset_words,
    CodeBlock = function(block)
        local html = typeset.escape(block.text .. '\n'):gsub('([^\n]*)\n', function(line)
            if line == '@@' then line = '…' end -- another place of the chapter
            return (block.classes[1] == 'diff' and DIFF[line:sub(1, 1)] or '%s'):format(line) .. '\n'
        end)
        return pandoc.RawBlock('html', '<pre tabindex="0"><code>' .. html:gsub('\n$', '') .. '</code></pre>')
    end,
    Table = function(table)
        return pandoc.Div({ link_numbers(table) }, pandoc.Attr('', { 'scroll' }, { tabindex = '0' }))
    end,
}

local markdown = {}

-- The blocks of a text, ready for html.
function markdown.read(text)
    return pandoc.read(text, 'commonmark+pipe_tables+gfm_auto_identifiers'):walk(FILTER).blocks
end

markdown.html = html_of

return markdown
