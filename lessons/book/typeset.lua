-- typeset.lua - the plain text of a comment as HTML: mathematics, C names, links.
--
-- Comments write mathematics like this: L = (W·x + b)², ∂L/∂W, Σ_k x[i,k]·w[k,j]. It is recognised word by word: a word
-- is mathematics if it is a lone letter or not all ASCII, and so are the operands that operators join to it.

local names = require 'names'

local function set_of(text)
    local set = {}
    for word in text:gmatch('%S+') do set[word] = true end
    return set
end

local FUNCTION = set_of 'log exp tanh sin cos sqrt max min sigmoid relu softplus softmax logsumexp'
local OPERATOR = set_of '= + - − · / → ← < > ≤ ≥ ≠ ×'
local FILE_ENDING = set_of 'c h py svg html txt dot csv'

local ESCAPED = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }

local function escape(text) return (text:gsub('[&<>"]', ESCAPED)) end

-- ---- mathematics ----

-- A pattern that matches any key of the table and replaces it by its value.
local function replace(with)
    local pattern = lpeg.P(false)
    for from, to in pairs(with) do pattern = pattern + lpeg.P(from) / to end
    return pattern
end

local RAISED = { ['⁰'] = '0', ['¹'] = '1', ['²'] = '2', ['³'] = '3', ['⁴'] = '4', ['⁵'] = '5', ['⁶'] = '6', ['⁷'] = '7',
    ['⁸'] = '8', ['⁹'] = '9', ['⁻'] = '−', ['ᵀ'] = 'T', ['ᵇ'] = '<i>b</i>', ['ᵃ'] = '<i>a</i>' }
local LOWERED = { ['ᵢ'] = '<i>i</i>', ['ⱼ'] = '<i>j</i>' }

-- ( 3 2 0 ; 0 0 1 ): a matrix, its rows divided by semicolons.
local function set_matrix(rows)
    local html = rows:gsub('[^;]+', function(row)
        return '<mtr>' .. row:gsub('%S+', '<mtd><mn>%0</mn></mtd>'):gsub(' ', '') .. '</mtr>'
    end)
    return '<math><mrow><mo>(</mo><mtable>' .. html:gsub(';', '') .. '</mtable><mo>)</mo></mrow></math>'
end

-- A lone letter is a variable (d before it is a differential), letters and digits carry an index.
local set_math = re.compile([[
    math     <- {~ item* ~}
    item     <- matrix / fraction / number / function / entry / index / power / name / raised / lowered / sign / .
    matrix   <- ('( ' {(!' )' [^()])*} ' )') -> set_matrix
    fraction <- ({~ delta ~} '/' {~ delta ~})
                -> '<span class="frac"><span>%1</span><span class="slash">/</span><span>%2</span></span>'
    delta    <- ('∂' / &'d') (entry / name)
    number   <- %d+ ([.,] %d+)* ('e' [-+]? %d+)?
    function <- ({%l %l+ ('_' %l %l+)+}) -> '<code>%1</code>'
    entry    <- ({'d' %a / %a} '[' {~ place (',' place)* ~} ']') -> '<i>%1</i><sub>%2</sub>'
    place    <- ([a-z] -> '<i>%0</i>' / %d)+
    index    <- ('_' {~ name / %w+ ~}) -> '<sub>%1</sub>'
    power    <- ('^' {[a-z]} '_' {[a-z]}) -> '<sup><i>%1</i><sub><i>%2</i></sub></sup>'
              / ('^(' {~ (!')' item)* ~} ')') -> '<sup>%1</sup>'
              / ('^' {~ ('−' / '-' -> '−')? (number / name / '∞')+ ~}) -> '<sup>%1</sup>'
    name     <- ({'d' %a / %a} !%w) -> '<i>%1</i>' / ({%a} {%d+}) -> '<i>%1</i><sub>%2</sub>' / %a+ %d*
    raised   <- ({~ %raised+ ~}) -> '<sup>%1</sup>'
    lowered  <- ({~ %lowered+ ~}) -> '<sub>%1</sub>'
    sign     <- "'" -> '′' / ('-' !'>') -> '−' / '·' -> '<span class="times">·</span>' / [&<>"] -> escape
]], { set_matrix = set_matrix, escape = escape, raised = replace(RAISED), lowered = replace(LOWERED) })

-- ---- words ----

-- What is beyond ASCII in a comment is mathematics.
local function has_sign(word) return word:match('[\x80-\xff]') end

local function matches_any(word, patterns)
    for _, pattern in ipairs(patterns) do
        if word:match(pattern) then return true end
    end
end

-- A word without the brackets and stops around it.
local function core(word) return (word:gsub('^[("]+', ''):gsub('[%]).,;:?!"]+$', '')) end

local MATH = {
    '^[b-zBD-HJ-UW-Z]$', "^%a'+$", "^[JLfh]'*%d?'*$",                            -- x  f'  J1
    '^%d+%l$', '^%l%^', '^%d*%a%([%w+-]*$',                                  -- 2s  e^x  f(a+h)
    '^d%a+/d%a+$', '^d[XYZWLwxyzb]$',                                           -- dL/dW  dX
    '^%a%.grad$', '^%a%.data$', '^%a%.tangent$', '^%a%.value$',                 -- p.grad
    '^%a_[%l%d]$', '^%d+%(%a$', '^d?%a%[[%l%d]+%]?$', '^d?%a%[[%l%d]+[%l%d,]*,[%l%d]+%]?$',  -- z_j  x[i]  dz[i,j]
}

-- a+a, n=2: operands of which the first is short, and nothing like "x-axis" or "16-bit".
local function is_sum(word)
    return word:match('^%w[%w+=<>/*-]*[+=<>*-]%w+$') and not word:match('%p%p') and word:match('^%a?[+=<>*/%d-]')
        and not word:match('^%a%-') and not word:match('^%d+%-%l%l')
end

local function is_math(word)
    return word and (has_sign(word) and not OPERATOR[word] or word:match('^%(?a[,.:)]')
        or matches_any(core(word), MATH) or is_sum(core(word)))
end

local function is_number(word)
    return word and word:gsub('−', '-'):match('^[(-]*%d[%d,.]*e?[+-]?%d*[).,;:]*$')
end

local function is_operand(word)
    return word and (is_math(word) or is_number(word) or core(word):match('^%w[%w./]*$') or core(word):match('^%l+%('))
end

local function is_operator(word, in_display) return OPERATOR[word] or (in_display and word == '+=') end

local function is_file(word) return FILE_ENDING[core(word):match('^[%w_/]*[%w_]%.(%l+)$')] end

local CODE = { '^%l[%l%d]*_', '^%u%u+_', '^d%u_d', '%u_%u%u', '%a%->%l', '^%l+%("', '^[%l_]+%(%)?$', '^%l+%[$',
    '^%l+%(.*%->', '^%l+%(%l+_' }

-- A name of C, or the beginning of a call; in prose also a lone = or +=
local function is_code(word, in_display)
    return not has_sign(word) and not core(word):match('^%a_[%l%d]$') and matches_any(core(word), CODE)
        or not in_display and word:match('^[+=]?=[,.]?$')
end

-- ---- links ----

-- A piece of C, with links from the engine's names: those with _ or a capital, and not after . or ->
local function link_code(text)
    local html = escape(text)
    return (html:gsub('()([%a_][%w_]*)', function(at, name)
        local before = html:sub(1, at - 1)
        local place = (name:match('^%u') or name:match('_')) and names.place[name]
        if place and not before:match('%.$') and not before:match('%-&gt;$') then
            return '<a href="' .. place .. '">' .. name .. '</a>'
        end
    end))
end

local function set_code(text) return '<code>' .. link_code(text) .. '</code>' end

local function set_file(text)
    return (text:gsub('[%w_/.]*%w', function(path)
        local page = names.page[path:match('[^/]*$')]
        local html = '<code>' .. path .. '</code>'
        return page and '<a class="file" href="' .. page .. '">' .. html .. '</a>' or html
    end))
end

-- ---- text ----

-- How many brackets does text leave open?
local function open_brackets(text) return select(2, text:gsub('%(', '')) - select(2, text:gsub('%)', '')) end

-- set(text) between what does not belong to it: unbalanced brackets and punctuation.
local function set_undressed(text, set)
    local before, after = '', ''
    while text:match('^"') or (text:match('^%(') and open_brackets(text) ~= 0) do
        before, text = before .. text:sub(1, 1), text:sub(2)
    end
    while text:match('[.,;:?!"]$') or (text:match('%)$') and open_brackets(text) < 0) do
        text, after = text:sub(1, -2), text:sub(-1) .. after
    end
    return escape(before) .. set(text) .. escape(after)
end

-- Each set_... function returns the HTML of the words from number i on and the number of the last word used, or nil.

local function set_code_words(words, i, in_display)
    if is_file(words[i]) then return set_undressed(words[i], set_file), i end
    if words[i] == 'make' and (words[i + 2] or ''):match('^L=') then -- make lesson L=14
        return set_undressed(table.concat(words, ' ', i, i + 2), set_code), i + 2
    end
    if not is_code(words[i], in_display) then return nil end
    local last, text = i, words[i]
    while not text:match('^%(') and open_brackets(text) > 0 and words[last + 1] do
        last = last + 1
        text = text .. ' ' .. words[last]
    end
    return set_undressed(text, set_code), last
end

-- "(chapter 5)": the word and the number are one link.
local function set_chapter(words, i)
    local bracket, word = words[i]:match('^(%(?)([Cc]hapters?)$')
    local number, rest = (words[i + 1] or ''):match('^(%d+)(.*)$')
    if word and names.chapter[number] then
        return ('%s<a href="%s">%s %s</a>%s'):format(bracket, names.chapter[number], word, number, escape(rest)), i + 1
    end
end

local function set_formula(text)
    return ('<span class="m%s">%s</span>'):format(utf8.len(text) <= 22 and ' short' or '', set_math:match(text))
end

-- Is word i a function's name, with its argument after it: log 2, tanh z?
local function is_applied(words, i)
    return FUNCTION[words[i]] and (is_math(words[i + 1]) or is_number(words[i + 1]))
end

local function matrix_end(words, i)
    while words[i + 1] and words[i] ~= ')' do i = i + 1 end
    return i
end

-- The last word of the formula that word i belongs to.
local function formula_end(words, i, in_display)
    local before
    repeat
        before = i
        if is_applied(words, i) or (words[i + 1] and (words[i]:match('Σ$') or words[i]:match('Σ_%l$'))) then
            i = i + 1
        elseif is_operator(words[i + 1], in_display) and is_operand(words[i + 2]) and not words[i]:match('[;:,]$') then
            i = i + 2
        end
    until i == before
    return i
end

local function set_formula_words(words, i, in_display)
    local is_matrix = words[i] == '(' and words[i + 1]
    local is_tied = is_operand(words[i]) and is_operator(words[i + 1], in_display) and is_operand(words[i + 2])
    if is_matrix or is_tied or is_math(words[i]) or is_applied(words, i) then
        local last = (is_matrix and matrix_end or formula_end)(words, i, in_display)
        return set_undressed(table.concat(words, ' ', i, last), set_formula), last
    end
end

local function set_word(words, i) return escape(words[i]), i end

-- A number after a formula, as in "W moves L 14 times", is not to look like their product.
local function space_between(html, next_word)
    return html:match('^<span class="m.*</span>$') and next_word:match('^%d') and '&ensp;' or ' '
end

local function set_words(text, in_display)
    local words, out, i, before = {}, '', 1, nil
    for word in text:gmatch('%S+') do table.insert(words, word) end
    while i <= #words do
        for _, set in ipairs { set_code_words, set_chapter, set_formula_words, set_word } do
            local html, last = set(words, i, in_display)
            if html then
                out = out .. (before and space_between(before, words[i]) or '') .. html
                i, before = last + 1, html
                break
            end
        end
    end
    return text:match('^ ?') .. out .. (text:match('%S( )$') or '')
end

local inlines = re.compile([[
    text <- {~ (('`' {[^`]*} '`') -> ticked / ({[^`]+} %in_display) -> words / .)* ~}
]], {
    ticked = function(text) return (is_file(text) and set_file or set_code)(text) end,
    words = set_words,
    in_display = lpeg.Carg(1),
})

-- Text as HTML; `between backticks` is C, or a file.
local function inline(text, in_display) return inlines:match(text, 1, in_display or false) end

-- The same without links, for what is a link or a heading itself.
local function unlinked(text) return (inline(text):gsub('</?a[^>]*>', '')) end

-- Not of a variable, which would be another one then: z[0,0].
local function capital(text) return text:match('^[b-z]%f[%A]') and text or (text:gsub('^%l', string.upper)) end

return { escape = escape, link_code = link_code, inline = inline, unlinked = unlinked, capital = capital }
