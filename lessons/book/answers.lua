-- answers.lua - lessons/answers.md: what the predictions and exercises of every chapter lead to.
--
--     ## 5 reverse mode
--     ### Predictions       1. ...   2. ...
--     ### Exercise 1        *Hint.* ...   and then the answer

local markdown = require 'markdown'

-- A hint's paragraph without the word, which the page says itself; nil if it is none.
local function hint_of(block)
    local first = block.t == 'Para' and block.content[1]
    if first and first.t == 'Emph' and first.content[1].text:match('^Hint') then
        return pandoc.Para { table.unpack(block.content, 2) }
    end
end

-- The first words of a header, which are typeset already.
local function title_of(header) return header.content[1].text end

-- For each number of a chapter { predictions, hints, exercises }, each a list of HTML by number.
local function read_answers(text)
    local answers, chapter, number = {}, nil, nil
    for _, block in ipairs(markdown.read(text)) do
        if block.t == 'Header' then
            number = tonumber(title_of(block):match('%d+'))
            if block.level == 2 then
                chapter = { predictions = {}, hints = {}, exercises = {} }
                answers[number], number = chapter, nil
            end
        elseif number then
            local hint = hint_of(block)
            local list = hint and chapter.hints or chapter.exercises
            list[number] = (list[number] or '') .. markdown.html { hint or block }
        elseif chapter and block.t == 'OrderedList' then
            for i, item in ipairs(block.content) do chapter.predictions[i] = markdown.html(item) end
        end
    end
    return answers
end

return read_answers
