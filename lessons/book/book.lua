-- book.lua - all pages of the book. pandoc runs it as a custom reader of the sources; it writes the pages to $BOOK.
--
--     BOOK=folder OUTPUT=folder pandoc -f book.lua engine/*.h ... lessons/*.c lessons/*.md
--
-- A file is a chapter (lessons/NN_name.c), Markdown of lessons/ (the course, the answers, the glossary) or of make bench,
-- or a source with a page of its own. OUTPUT holds NN.out, what chapter NN printed, and files, a list of what the chapters drew.

PANDOC_VERSION:must_be_at_least('2.17')
package.path = pandoc.path.directory(PANDOC_SCRIPT_FILE) .. '/?.lua;' .. package.path

local code = require 'code'
local contents = require 'contents'
local glossary = require 'glossary'
local names = require 'names'
local Page = require 'page'
local read_answers = require 'answers'
local set_chapter = require 'chapter'
local set_whole = require 'whole'
local typeset = require 'typeset'

local ONE_PAGE = { ['lessons/one_page.c'] = 'The whole engine on one page' }

local function read_source(source)
    local file = { path = source.name, text = source.text:gsub('\n*$', '\n'), lines = {} }
    for line in file.text:gmatch('([^\n]*)\n') do table.insert(file.lines, line) end
    file.uses_engine = file.text:match('\n#include "') ~= nil
    local head = file.text:match(' %- (.-)%s*%*/') or file.text:match(' %- (.-)\n\n') or ''
    file.summary = head:gsub('\n %*\n.*', ''):gsub('\n %*', ''):gsub('%. .*', '.')
    return file
end

-- The rows of the course's tables: | [5 reverse mode](05_reverse_mode.c) | question | idea | time | needs |
local function read_course(course)
    local rows, part = {}, ''
    for line in course:gmatch('[^\n]+') do
        part = line:match('^## (.*)') or part
        local idea, name, time, needs = line:match('^| %[%d+ (.-)%]%(([%w_]+)%.c%) |[^|]*|[^|]*| *(.-) *| *(.-) *|')
        if name then rows[name] = { part = part, idea = idea, short = idea, time = time, needs = needs } end
    end
    return rows
end

-- What the chapter drew.
local function files_of(number)
    local files = {}
    for path in Page.read_file(os.getenv('OUTPUT') .. '/files'):gmatch('[^\n]+') do
        if path:match('^%d+') == number then table.insert(files, path) end
    end
    return files
end

local function make_chapter(file, rows)
    local name, number = file.path:match('((%d%d)_[%w_]*)%.c$')
    local chapter = assert(rows[name], 'no row for ' .. name .. ' in a table of lessons/README.md')
    chapter.file, chapter.name, chapter.page, chapter.number = file, name, name .. '.html', tonumber(number)
    chapter.question = file.lines[1]:match(' %- (.*)'):gsub(' *%*/$', '')
    chapter.output = Page.read_file(os.getenv('OUTPUT') .. '/' .. number .. '.out')
    chapter.files = files_of(number)
    names.page[name .. '.c'] = chapter.page
    names.chapter[tostring(chapter.number)] = chapter.page
    names.scan(file, function() end)
    return chapter
end

-- The page of engine/graph.h is graph.h.html; a second file of that name gets a page like lessons-moons-graph.h.html.
local function make_source(file)
    local short = file.path:match('[^/]*$')
    file.page = (names.page[short] and file.path:gsub('/', '-') or short) .. '.html'
    file.declared, file.part = {}, file.path:match('^%l+/') .. '*' .. file.path:match('%.%l+$')
    names.page[short] = names.page[short] or file.page
    names.scan(file, function(name, number)
        names.place[name] = names.place[name] or file.page .. '#L' .. number
        table.insert(file.declared, number)
    end)
end

-- title: what the page of a source is called, if not by its path.
local function set_source(file, title)
    local page = Page.new(file.page, title or file.path, file.path:match('[^/]*$'))
    local other = page.name:gsub('%.%l$', { ['.h'] = '.c', ['.c'] = '.h' })
    local see = names.page[other]
    page:add('<p class="kicker"><a href="sources.html">The sources</a></p><h1>%s</h1>',
        title or '<code>' .. file.path .. '</code>')
    page:add('<p class="meta">%s%s</p>', typeset.inline(file.summary), see and other ~= page.name
        and (' See also <a href="%s"><code>%s</code></a>.'):format(see, other) or '')
    page:add('<div%s>%s</div>', title and ' class="sheet"' or '', code.block(file, code.lines(file), 1, #file.lines))
    for _, number in ipairs(file.declared) do
        page:findable(file.lines[number], 'L' .. number, 'Declared')
    end
    page:write()
    return page
end

function Reader(inputs)
    local files, chapters, sources, texts = {}, {}, {}, {}
    for i, input in ipairs(inputs) do
        files[i] = read_source(input)
        texts[files[i].path:match('[^/]*%.md$') or ''] = files[i].text
    end
    local rows = read_course(texts['README.md'])
    for _, file in ipairs(files) do
        if file.path:match('^lessons/%d%d_.*%.c$') then
            chapters[#chapters + 1] = make_chapter(file, rows)
        elseif not file.path:match('%.md$') then
            sources[#sources + 1] = file
            make_source(file)
        end
    end
    names.page['glossary.md'] = texts['glossary.md'] and 'glossary.html'
    names.page['bench.md'] = texts['bench.md'] and 'bench.html'
    Page.contents = contents.beside(chapters)
    local answers = read_answers(texts['answers.md'] or '')
    local terms = texts['glossary.md'] and glossary.set(texts['glossary.md'])
    local pages = { contents.index(chapters, texts['README.md']) }
    for i, chapter in ipairs(chapters) do
        chapter.answers = answers[chapter.number] or { predictions = {}, hints = {}, exercises = {} }
        table.insert(pages, set_chapter(chapter, chapters[i - 1], chapters[i + 1]))
    end
    for _, source in ipairs(sources) do
        local page = set_source(source, ONE_PAGE[source.path])
        if ONE_PAGE[source.path] then table.insert(pages, page) end
    end
    if terms then table.insert(pages, terms) end
    table.insert(pages, contents.course(texts['README.md']))
    if texts['bench.md'] then table.insert(pages, contents.bench(texts['bench.md'])) end
    set_whole(pages, 'stepgrad – the book')
    contents.sources(sources)
    Page.write_file('search_index.js', 'window.bookIndex = [\n' .. table.concat(Page.search) .. '];\n')
    return pandoc.Pandoc {}
end
