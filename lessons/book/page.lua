-- page.lua - a page of the book while it is built: its HTML, and its entries in the index of the search.

local typeset = require 'typeset'

-- For the whole book: its folder, the index of the search, and the list of contents on every page.
local Page = { folder = os.getenv('BOOK') .. '/', search = {}, contents = '' }
Page.__index = Page

function Page.read_file(path)
    local file = assert(io.open(path, 'rb'))
    local text = file:read('a')
    file:close()
    return text
end

function Page.write_file(path, text)
    local file = assert(io.open(Page.folder .. path, 'wb'))
    assert(file:write(text))
    assert(file:close())
end

-- title: of the browser's window; name: what the search calls the page.
function Page.new(file, title, name)
    return setmetatable({ file = file, title = title, name = name, html = {}, heading = '', anchor = '' }, Page)
end

function Page:add(format, ...) table.insert(self.html, format:format(...)) end

-- Starts a section; what is indexed from here on is found under its title.
function Page:section(id, title)
    self.heading, self.anchor = title, id
    self:add('<h2 id="%s"><a href="#%s">%s</a></h2>', id, id, title)
end

local function json(text) return '"' .. text:gsub('[\\"]', '\\%0'):gsub('\t', ' '):gsub('<', '\\u003c') .. '"' end

function Page:findable(text, anchor, heading)
    local address, plain = self.file .. '#' .. (anchor or self.anchor), text:gsub('`', ''):gsub('  +', ' ')
    table.insert(Page.search, ('[%s,%s,%s,%s],\n'):format(json(self.name), json(heading or self.heading), json(address),
        json(plain)))
end

function Page:write()
    local before, after = Page.contents:match('^(.-href="' .. self.file:gsub('%p', '%%%0') .. '")(.*)$')
    local parts = {
        title = typeset.escape(self.title),
        contents = before and before .. ' aria-current="page"' .. after or Page.contents,
        body = table.concat(self.html, '\n'),
    }
    Page.write_file(self.file, (Page.read_file('lessons/book/page.html'):gsub('%$(%l+)%$', parts)))
end

return Page
