-- names.lua - what the book can link to: the line that declares a name, and the pages of files and chapters.

local names = {
    place = {},   -- C name -> "graph.h.html#L12", its first declaration: headers come before the .c files
    page = {},    -- file name without folders -> page
    chapter = {}, -- "5" -> page
}

-- The name that a line declares, if only a header is scanned for it: ops, macros, function types, enumerators.
local function declared_in_header(line, in_enum)
    local op = line:match('^    X%((%u+), %l+,') -- a row of the op table
    return op and 'OP_' .. op or line:match('^#define ([%a_]+)%(') or line:match('^typedef %l+ (%u%a+)%(')
        or in_enum and line:match('^    (%u[%u%d_]+)')
end

local function declared_anywhere(line, is_header)
    local first, rest = line:match('^%l*'), line:gsub('^typedef ', '')
    local is_function = first ~= 'return' and first ~= 'else' and first ~= 'typedef'
        and (is_header or not line:match(';$'))
    return rest:match('^struct (%a+) *{') or rest:match('^enum (%a+) *{')
        or is_function and line:match('^[%a_][%w_ *]*[ *]([%a_][%w_]*)%(')
end

-- Sets file.own, name -> line, and calls found(name, line) for the names that pages of other files may link to: all of
-- a header and the static functions of a .c file. Its other functions are declared in a header.
-- Whatever starts in the first column is at the top level.
function names.scan(file, found)
    local is_header, in_enum = file.path:match('%.h$') ~= nil, false
    file.own = {}
    for number, line in ipairs(file.lines) do
        in_enum = (in_enum or line:match('^%l* ?enum .*{')) and not line:match('}')
        local name = is_header and declared_in_header(line, in_enum) or declared_anywhere(line, is_header)
        if name and not file.own[name] then
            file.own[name] = number
            if is_header or line:match('^static ') then found(name, number) end
        end
    end
end

-- "3, 5" with links.
function names.link_chapters(text)
    return (text:gsub('%d+', function(number)
        return names.chapter[number] and ('<a href="%s">%s</a>'):format(names.chapter[number], number)
    end))
end

return names
