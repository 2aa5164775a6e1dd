-- whole.lua - the book as one page, all.html: its pages after one another, links between them within the page, outputs
-- open, and all hints and answers at the end.

local Page = require 'page'

-- The ids of a page keep apart by its file: line 12 of 05_reverse_mode.html is #05_reverse_mode-L12.
local function prefix_of(file) return (file:gsub('%.html$', '')) end

local function relink(html, own, is_inside)
    local prefix = prefix_of(own)
    html = html:gsub('(%s)id="', '%1id="' .. prefix .. '-'):gsub('aria%-labelledby="', '%0' .. prefix .. '-')
    return (html:gsub('href="([^"#]*)#?([^"]*)"', function(file, anchor)
        file = file == '' and own or file
        return is_inside[file] and ('href="#%s%s"'):format(prefix_of(file), anchor == '' and '' or '-' .. anchor) or nil
    end))
end

-- Takes the folds out of a page; a link stays where each was.
local function take_folds(html, folds)
    local fold = '<details class="fold" id="([^"]*)"><summary>(.-)</summary>\n(.-)</details>'
    return (html:gsub(fold, function(id, title, told)
        table.insert(folds, ('<section id="%s"><h3>%s</h3>%s</section>'):format(id, title, told))
        return ('<a class="asked" href="#%s">%s</a>'):format(id, title)
    end))
end

local function set_whole(pages, title)
    local whole, is_inside, answers = Page.new('all.html', title), {}, {}
    for _, page in ipairs(pages) do is_inside[page.file] = true end
    for _, page in ipairs(pages) do
        local folds = {}
        local html = take_folds(table.concat(page.html, '\n'):gsub('<nav class="turn".-</nav>', ''), folds)
        html = html:gsub('<details class="terminal"', '%0 open')
        whole:add('<article id="%s">%s</article>', prefix_of(page.file), relink(html, page.file, is_inside))
        if folds[1] then
            table.insert(answers, ('<h2><a href="#%s">%s</a></h2>%s'):format(prefix_of(page.file), page.name,
                relink(table.concat(folds, '\n'), page.file, is_inside)))
        end
    end
    if answers[1] then
        whole:add('<article id="answers"><h1>Hints and answers</h1>%s</article>', table.concat(answers, '\n'))
    end
    whole:write()
end

return set_whole
