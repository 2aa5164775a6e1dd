-- display.lua - an indented block of a head comment: a table, a drawing, or commands for a shell and gdb.

local typeset = require 'typeset'
local inline, escape = typeset.inline, typeset.escape

-- ---- tables ----

-- The cells of a line (two spaces separate them), each with its first and last column.
local function cells_of(line)
    local cells = {}
    for at, text in (line .. '  '):gmatch('()(%S.-)  +') do
        local from = utf8.len(line:sub(1, at - 1))
        cells[#cells + 1] = { text = text, from = from, to = from + utf8.len(text) - 1 }
    end
    return cells
end

-- Cells below one another share a column of the table. Returns its number for each column of the text, and the last.
local function columns_of(rows)
    local used, column, count = {}, {}, 0
    for _, cells in ipairs(rows) do
        for _, cell in ipairs(cells) do
            for at = cell.from, cell.to do used[at] = true end
        end
    end
    for at = 0, 200 do
        if used[at] and not used[at - 1] then count = count + 1 end
        column[at] = count
    end
    return column, count
end

-- A line of one cell continues the cell above it: with more words, or with a row of its matrix.
local function continue_cell(above, text)
    local matrix_row = text:match('^%( (.* %))$')
    return matrix_row and above:sub(1, -2) .. '; ' .. matrix_row or above .. ' ' .. text
end

local function rows_of(lines, column)
    local rows = {}
    for _, cells in ipairs(lines) do
        local at, above = column[cells[1].from], rows[#rows]
        if #cells == 1 and above and above[at] and (at > 1 or cells[1].text:match('^%( .* %)$')) then
            above[at] = continue_cell(above[at], cells[1].text)
        else
            local row = {}
            for _, cell in ipairs(cells) do
                at = column[cell.from]
                row[at] = (row[at] and row[at] .. '  ' or '') .. cell.text
            end
            table.insert(rows, row)
        end
    end
    return rows
end

-- A remark is greyed, and may be broken into lines: words that no formula begins.
local function set_part(text)
    local html = inline(text, true)
    local is_remark = text:match('%l%l+ %l+ %l+') and not html:match('^<span class="m')
    return (is_remark and '<span class="remark">' .. html .. '</span>' or html) .. '&emsp;'
end

local function set_cell(text)
    local html = text:gsub('(.-)  ', set_part)
    return (html:match('"remark"') and '<td class="words">' or '<td>') .. html:gsub('&emsp;$', '') .. '</td>'
end

local function set_table(block)
    local lines, html = {}, ''
    for i, line in ipairs(block) do lines[i] = cells_of(line) end
    local column, count = columns_of(lines)
    for _, row in ipairs(rows_of(lines, column)) do
        html = html .. '<tr>'
        for at = 1, count do html = html .. set_cell((row[at] or '') .. '  ') end
        html = html .. '</tr>'
    end
    return '<div class="display" tabindex="0"><table>' .. html .. '</table></div>'
end

-- ---- commands ----

-- "(gdb) print x    = 1    a remark"
local function set_command(line)
    local command, rest = (line .. '  '):gsub('^%(gdb%) ', ''):match('^(.-)  +(.*)$')
    local shown, remark = rest:match('^= (.-)  +(.*)$')
    remark = (remark or rest):match('^(.-) *$')
    return '<div class="command"><code><span class="prompt">' .. (line:match('^%(gdb%)') or '$') .. '</span> '
        .. typeset.link_code(command) .. '</code>' .. (shown and ' <samp>= ' .. escape(shown) .. '</samp>' or '')
        .. (remark ~= '' and ' <span class="remark">' .. inline(remark) .. '</span>' or '') .. '</div>'
end

-- ---- which of them ----

local is_command = re.compile [[ '(gdb) ' / ('cc' / 'make' / 'python3') ' ' / 'build/' ]]

local function set_display(block)
    local text = table.concat(block, '\n')
    if is_command:match(text) then
        return '<div class="commands">' .. text:gsub('[^\n]+', set_command) .. '</div>'
    elseif text:match('─') or text:match('│') then
        return '<pre class="drawing" tabindex="0">' .. escape(text) .. '</pre>'
    end
    return set_table(block)
end

return set_display
