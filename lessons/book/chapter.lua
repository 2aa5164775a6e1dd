-- chapter.lua - a chapter's source as a page.
--
-- The head comment holds the name and the question; paragraphs; displays (indented by four); lists of terms (by two);
-- what to predict; "It prints ..."; and the commands for gdb. The comment after the code holds the exercises and the
-- next question.

local code = require 'code'
local glossary = require 'glossary'
local names = require 'names'
local Page = require 'page'
local set_display = require 'display'
local typeset = require 'typeset'
local inline, escape, unlinked, capital = typeset.inline, typeset.escape, typeset.unlinked, typeset.capital

-- ---- comments ----

-- What a line belongs to: a list of terms, which is indented by two, a display, or a paragraph; nil if it is blank.
local function kind_of(text, before)
    return text:match('%S') and ((text:match('^  %S') or before == 'list' and text:match('^  ')) and 'list'
        or text:match('^    ') and 'display' or 'text')
end

-- Lines from..to without the comment's frame, in blocks.
local function blocks_of(lines, from, to)
    local blocks, kind = {}, nil
    for i = from, to do
        local text = lines[i]:gsub(' *%*/$', ''):gsub('^ %* ?', '')
        local new_kind = kind_of(text, kind)
        if new_kind then
            if new_kind ~= kind then
                table.insert(blocks, { is_display = new_kind == 'display', is_list = new_kind == 'list' })
            end
            table.insert(blocks[#blocks], (text:gsub('^    ', '')))
        end
        kind = new_kind
    end
    return blocks
end

-- The items of a list that is numbered 1., 2., ..., from a line of the block on.
local function numbered(block, from)
    local items, text = {}, '\n' .. table.concat(block, '\n', from)
    for item in text:gsub('\n%d+%. ', '\0'):gmatch('%z([^%z]+)') do table.insert(items, (item:gsub('\n *', ' '))) end
    return items
end

-- What the head asks before it shows anything is taken out of its blocks: it stands beside the output.
local function take_questions(blocks)
    for i, block in ipairs(blocks) do
        if block[1]:match('^Predict, before you run it:') then
            table.remove(blocks, i)
            return numbered(table.remove(blocks, i), 1)
        end
    end
    return {}
end

local function is_gdb(block) return block.is_display and table.concat(block):match('%(gdb%)') end
local function is_output(block) return block[1]:match('^It prints') or is_gdb(block) end

local function set_paragraph(page, text)
    page.paragraphs = page.paragraphs + 1
    page.anchor = 'p' .. page.paragraphs
    local idea, rest = text:match('^New here: ([^.,:]*)(.*)$')
    if idea then
        page:add('<p id="%s" class="new"><span class="tag">New here</span> <strong>%s</strong>%s</p>', page.anchor,
            inline(capital(idea)), glossary.link(inline(rest), page.terms))
    else
        page:add('<p id="%s">%s</p>', page.anchor, glossary.link(inline(text), page.terms))
    end
    page:findable(text)
end

-- "  term   what it means", with more of that below.
local function set_terms(page, block)
    page:add('<dl>')
    for item in ('\n' .. table.concat(block, '\n')):gsub('\n  (%S)', '\0%1'):gmatch('%z([^%z]+)') do
        local term, meaning = item:gsub('\n *', ' '):match('^(.-)  +(.*)$')
        page:add('<dt>%s</dt><dd>%s</dd>', inline(term), glossary.link(inline(meaning), page.terms))
        page:findable(term .. ': ' .. meaning)
    end
    page:add('</dl>')
end

-- The blocks from number i on, up to one for which is_end(block) holds; returns its number.
local function set_blocks(page, blocks, i, is_end)
    while blocks[i] and not is_end(blocks[i]) do
        local block = blocks[i]
        if block.is_display then
            page:add('%s', set_display(block))
            for _, text in ipairs(is_gdb(block) and block or { table.concat(block, ' ') }) do page:findable(text) end
        elseif block.is_list then
            set_terms(page, block)
        else
            set_paragraph(page, table.concat(block, ' '))
        end
        i = i + 1
    end
    return i
end

-- ---- questions ----

-- Questions with what lessons/answers.md says to each, folded until the reader asks for it.
-- kind: "exercise" or "prediction"; folds: { Hint = { html, ... }, Answer = { html, ... } }.
local function set_questions(page, kind, questions, folds)
    page:add('<ol class="%ss">', kind)
    for i, question in ipairs(questions) do
        page:add('<li id="%s%d">%s', kind, i, inline(question))
        for _, what in ipairs { 'Hint', 'Answer' } do
            local html = folds[what] and folds[what][i]
            if html then
                page:add('<details class="fold" id="%s-%s%d"><summary>%s<span class="hidden"> to %s %d</span>'
                    .. '</summary>\n<div class="told">%s</div></details>', kind, what:lower(), i, what, kind, i, html)
            end
        end
        page:add('</li>')
        page:findable(question, kind .. i)
    end
    page:add('</ol>')
end

local function set_predictions(page, questions, answers)
    if questions[1] then
        page:add('<section class="predict" aria-labelledby="predict"><h3 id="predict">Predict, before you run it</h3>')
        set_questions(page, 'prediction', questions, { Answer = answers })
        page:add('</section>')
    end
end

-- ---- what it prints, and draws ----

local function set_output(page, chapter)
    local html = ('\n' .. escape(chapter.output)):gsub('\nok ', '\n<span class="ok">ok</span> ')
    page:add('<details class="terminal" id="printed"><summary><span class="ask">Show what it prints:</span> '
        .. '<code><span class="prompt">$</span> make lesson L=%02d</code></summary><pre tabindex="0">%s</pre></details>',
        chapter.number, html)
    for line in chapter.output:gmatch('[^\n]+') do page:findable(line, 'output', 'What it prints') end
end

-- What the head says about a picture: "It draws loss.svg, the curves by epoch, and boundary.svg, where ..."
local caption = re.compile [[ caption <- !stop [:,] ' ' {(!stop .)*}
                              stop    <- ', and ' [a-z0-9_]+ '.svg' / [.;] (' ' / !.) ]]

-- Else the title of a plot, or the size of the graph that it shows.
local function caption_of(path, head)
    local _, at = head:find(path:match('[^/]*$'), 1, true)
    local picture = Page.read_file(Page.folder .. path)
    local title = path:match('svg$') and picture:match('<title>(.-)</title>') or 'stepgrad'
    local function count(part) return select(2, picture:gsub(part, '')) end
    return at and caption:match(head, at + 1) or title ~= 'stepgrad' and title
        or ('The graph: %d nodes, %d edges.'):format(count('\n<g id="n'), count('\n<g id="e'))
end

local function set_picture(page, path, head, class)
    local file, caption = path:match('[^/]*$'), capital(caption_of(path, head))
    local width = tonumber(Page.read_file(Page.folder .. path):match('<svg[^>]- width=["\'](%d+)'))
    page:add('<figure class="%s"><a href="%s" title="%s alone"><img src="%s"%s width="%d" alt="%s"></a>'
        .. '<figcaption>%s <span class="name">%s</span></figcaption></figure>', class, path, file, path,
        width > 620 and ' class="wide"' or '', width, escape(caption), inline(caption), file)
end

-- The player stands where its picture would; the picture is for paper, and for a reader without scripts.
local function set_player(page, path, head, picture)
    local caption = capital(caption_of(picture or path, head))
    page:add('<figure class="player"><iframe src="%s" title="%s" loading="lazy"></iframe><figcaption>%s '
        .. '<a href="%s">open alone</a></figcaption></figure>', path, escape(caption), inline(caption), path)
end

local function set_dot(page, path)
    page:add('<details class="terminal"><summary>%s (Graphviz is not installed here to draw it)</summary>'
        .. '<pre tabindex="0">%s</pre></details>', path:match('[^/]*$'), escape(Page.read_file(Page.folder .. path)))
end

-- A graph that is there as .html, .svg and .dot stands there once, as the first of them.
local function set_files(page, files, head)
    local is_there = {}
    for _, path in ipairs(files) do is_there[path] = true end
    for _, path in ipairs(files) do
        local name, ending = path:match('^(.*)%.(%l+)$')
        local player, picture = is_there[name .. '.html'] and name .. '.html', is_there[name .. '.svg']
        if ending == 'svg' then
            if player then set_player(page, player, head, path) end
            set_picture(page, path, head, player and 'picture still' or 'picture')
        elseif ending == 'html' and not picture then
            set_player(page, path, head)
        elseif ending == 'dot' and not picture and not player then
            set_dot(page, path)
        end
    end
end

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

local function set_needs(needs)
    local kind = needs:match('^%d+$') and 'chapter ' or needs:match('^%d') and 'chapters ' or ''
    return needs == '' and '' or ' · needs ' .. kind .. names.link_chapters(escape(needs))
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
    page.paragraphs, page.terms = 0, {}
    local head_end = find_line(lines, '%*/$', 1)
    local tail = find_line(lines, '^/%* Exercises', head_end)
    local head, ends = blocks_of(lines, 2, head_end), blocks_of(lines, tail, #lines)
    local questions, answers = take_questions(head), chapter.answers
    set_title(page, chapter)
    local i = set_blocks(page, head, 1, is_output)
    page:section('output', 'What it prints')
    i = set_blocks(page, head, i, is_gdb)
    set_predictions(page, questions, answers.predictions)
    set_output(page, chapter)
    local head_text = table.concat(lines, ' ', 2, head_end):gsub(' %*', '')
    set_files(page, chapter.files, head_text)
    set_code(page, chapter.file, head_end + 1, tail - 1)
    if head[i] then page:section('gdb', 'Step through it') end
    set_blocks(page, head, i, function() return false end)
    if ends[1] then
        page:section('exercises', 'Exercises')
        set_questions(page, 'exercise', numbered(ends[1], 2), { Hint = answers.hints, Answer = answers.exercises })
    end
    if ends[2] then set_next(page, ends[2], after) end
    turn_pages(page, before, after)
    page:write()
    return page
end

return set_chapter
