-- chapter.lua - a chapter's source as a page.
--
-- The head comment holds the name and the question; paragraphs; displays (indented by four); "It prints ..."; and the
-- commands for gdb. The comment after the code holds the exercises and the next question.

local code = require 'code'
local names = require 'names'
local Page = require 'page'
local set_display = require 'display'
local typeset = require 'typeset'
local inline, escape, unlinked, capital = typeset.inline, typeset.escape, typeset.unlinked, typeset.capital

-- ---- comments ----

-- Lines from..to without the comment's frame, in blocks: paragraphs and displays.
local function blocks_of(lines, from, to)
    local blocks, kind = {}, nil
    for i = from, to do
        local text = lines[i]:gsub(' *%*/$', ''):gsub('^ %* ?', '')
        local new_kind = text:match('%S') and (text:match('^    ') or 'text')
        if new_kind then
            if new_kind ~= kind then table.insert(blocks, { is_display = new_kind ~= 'text' }) end
            table.insert(blocks[#blocks], (text:gsub('^    ', '')))
        end
        kind = new_kind
    end
    return blocks
end

local function is_gdb(block) return block.is_display and (block[1] .. (block[2] or '')):match('%(gdb%)') end
local function is_output(block) return block[1]:match('^It prints') or is_gdb(block) end

local function set_paragraph(page, text)
    page.paragraphs = page.paragraphs + 1
    page.anchor = 'p' .. page.paragraphs
    local idea, rest = text:match('^New here: ([^.,:]*)(.*)$')
    if idea then
        page:add('<p id="%s" class="new"><span class="tag">New here</span> <strong>%s</strong>%s</p>', page.anchor,
            inline(capital(idea)), inline(rest))
    else
        page:add('<p id="%s">%s</p>', page.anchor, inline(text))
    end
    page:findable(text)
end

-- The blocks from number i on, up to one for which is_end(block) holds; returns its number.
local function set_blocks(page, blocks, i, is_end)
    while blocks[i] and not is_end(blocks[i]) do
        local block = blocks[i]
        if block.is_display then
            page:add('%s', set_display(block))
            for _, text in ipairs(is_gdb(block) and block or { table.concat(block, ' ') }) do page:findable(text) end
        else
            set_paragraph(page, table.concat(block, ' '))
        end
        i = i + 1
    end
    return i
end

-- ---- what it prints, and draws ----

local function set_output(page, chapter)
    local html = ('\n' .. escape(chapter.output)):gsub('\nok ', '\n<span class="ok">ok</span> ')
    page:add('<figure class="terminal"><figcaption><code><span class="prompt">$</span> make lesson L=%02d</code>'
        .. '</figcaption><pre tabindex="0">%s</pre></figure>', chapter.number, html)
    for line in chapter.output:gmatch('[^\n]+') do page:findable(line, 'output', 'What it prints') end
end

-- What the head says about a picture: "It draws loss.svg, the curves by epoch, and boundary.svg, where ..."
local caption = re.compile [[ caption <- [:,] ' ' {(!stop .)*}
                              stop    <- ', and ' [a-z0-9_]+ '.svg' / [.;] (' ' / !.) ]]

-- Else the title of the picture, or the size of the graph that it shows.
local function caption_of(path, head)
    local _, at = head:find(path:match('[^/]*$'), 1, true)
    local picture = Page.read_file(Page.folder .. path)
    local title = picture:match('<title>(.-)</title>')
    local function count(part) return select(2, picture:gsub(part, '')) end
    return at and caption:match(head, at + 1) or title ~= 'stepgrad' and title
        or ('The graph: %d nodes, %d edges.'):format(count('\n<g id="n'), count('\n<g id="e'))
end

local function set_picture(page, path, head)
    local file, caption = path:match('[^/]*$'), capital(caption_of(path, head))
    local width = tonumber(Page.read_file(Page.folder .. path):match('<svg[^>]- width=["\'](%d+)'))
    page:add('<figure class="picture"><a href="%s" title="%s alone"><img src="%s"%s width="%d" alt="%s"></a>'
        .. '<figcaption>%s <span class="name">%s</span></figcaption></figure>', path, file, path,
        width > 620 and ' class="wide"' or '', width, escape(caption), inline(caption), file)
end

local function set_player(page, path, head)
    page:add('<figure class="player"><iframe src="%s" title="%s" loading="lazy"></iframe><figcaption>Play it step by '
        .. 'step, or <a href="%s">open it alone</a>.</figcaption></figure>', path, caption_of(path, head), path)
end

local function set_dot(page, path)
    page:add('<details class="terminal"><summary>%s (Graphviz is not installed here to draw it)</summary>'
        .. '<pre tabindex="0">%s</pre></details>', path:match('[^/]*$'), escape(Page.read_file(Page.folder .. path)))
end

local SET_FILE = { svg = set_picture, html = set_player, dot = set_dot }

-- ---- code ----

-- The code, lines from..to, with a heading for each part and for main.
local function set_code(page, file, from, to)
    local lines, part_count, source = code.lines(file), 0, page.file:gsub('html$', 'c')
    local function begin_part(i, id, title)
        page:add('%s<h3 id="%s"><a href="#%s">%s</a></h3>', code.block(file, lines, from, i - 1), id, id, title)
        from = i
    end
    page:section('code', 'The code')
    page:add('<p class="aside">The file is <a href="%s" download><code>%s</code></a>; the lines are numbered as there.'
        .. '</p>', source, source)
    for i = from, to do
        local part = file.lines[i]:match('^/%* %-+ (.*) %-+ %*/$')
        if part then
            part_count = part_count + 1
            begin_part(i, 'part' .. part_count, unlinked(part))
            from = i + 1
        elseif file.lines[i]:match('^int main%(') then
            begin_part(i, 'main', '<code>main</code>')
        end
        if file.lines[i]:match('%l') and not part then page:findable(file.lines[i]:match('%S.*'), 'L' .. i) end
    end
    page:add('%s', code.block(file, lines, from, to))
end

-- ---- the end ----

local function set_exercises(page, block)
    page:section('exercises', 'Exercises')
    page:add('<ol class="exercises">')
    local number, text = 0, '\n' .. table.concat(block, '\n', 2)
    for exercise in text:gsub('\n%d+%. ', '\0'):gmatch('%z([^%z]+)') do
        number = number + 1
        exercise = exercise:gsub('\n *', ' ')
        page:add('<li id="exercise%d">%s</li>', number, inline(exercise))
        page:findable(exercise, 'exercise' .. number)
    end
    page:add('</ol>')
end

local function link(chapter, format)
    return chapter and format:format(chapter.page, chapter.number, unlinked(chapter.idea)) or '<span></span>'
end

local function set_next(page, block, after)
    local text = table.concat(block, ' '):gsub('^Next: ', ''):gsub(' *%->.*', '')
    page:add('<aside class="next" id="next"><span class="tag">Next</span> %s%s</aside>', inline(capital(text)),
        link(after, '<a class="onward" href="%s">Chapter %d: %s →</a>'))
    page:findable(text, 'next', 'Next')
end

local function turn_pages(page, before, after)
    page:add('<nav class="turn" aria-label="Chapters">%s<a href="index.html">contents</a>%s</nav>',
        link(before, '<a rel="prev" href="%s">← %d %s</a>'), link(after, '<a rel="next" href="%s">%d %s →</a>'))
end

-- ---- the page ----

-- "3, 5" with links.
local function set_needs(needs)
    local kind = needs:match('^%d+$') and 'chapter ' or needs:match('^%d') and 'chapters ' or ''
    return needs == '' and '' or ' · needs ' .. kind .. escape(needs):gsub('%d+', function(number)
        return names.chapter[number] and ('<a href="%s">%s</a>'):format(names.chapter[number], number)
    end)
end

local function set_title(page, chapter)
    page:add('<p class="kicker">%s · %d</p>', escape(chapter.part), chapter.number)
    page:add('<h1><span class="number">%d</span> %s</h1>', chapter.number, unlinked(chapter.question))
    page:add('<p class="meta">%s · %s%s</p>', inline(chapter.idea), chapter.time, set_needs(chapter.needs))
    page:findable(chapter.question, '', 'The question')
    page.heading = 'The idea'
end

local function find_line(lines, pattern, from)
    while lines[from] and not lines[from]:match(pattern) do from = from + 1 end
    return from
end

local function set_chapter(chapter, before, after)
    local lines, name = chapter.file.lines, chapter.number .. ' ' .. chapter.idea
    local page = Page.new(chapter.page, name .. ' – ' .. chapter.question, name)
    page.paragraphs = 0
    local head_end = find_line(lines, '%*/$', 1)
    local tail = find_line(lines, '^/%* Exercises', head_end)
    local head, ends = blocks_of(lines, 2, head_end), blocks_of(lines, tail, #lines)
    set_title(page, chapter)
    local i = set_blocks(page, head, 1, is_output)
    page:section('output', 'What it prints')
    i = set_blocks(page, head, i, is_gdb)
    set_output(page, chapter)
    local head_text = table.concat(lines, ' ', 2, head_end):gsub(' %*', '')
    for _, path in ipairs(chapter.files) do SET_FILE[path:match('%l+$')](page, path, head_text) end
    set_code(page, chapter.file, head_end + 1, tail - 1)
    if head[i] then page:section('gdb', 'Step through it') end
    set_blocks(page, head, i, function() return false end)
    if ends[1] then set_exercises(page, ends[1]) end
    if ends[2] then set_next(page, ends[2], after) end
    turn_pages(page, before, after)
    page:write()
end

return set_chapter
