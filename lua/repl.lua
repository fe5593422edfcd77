-- The child's side of `initscript repl`. Each message on arg is code to run. The answer is any number
-- of messages "T" with parts of a text, and one that says what the text is: "V" the results and the
-- errno among them, "E" an error, "M" nothing: the code is not complete. The first message of all,
-- before any code, is the list of names for completion.

local MAX_MESSAGE = 65536 -- of the host
local PART = 32768
local MAX_ENTRIES = 100 -- of a table that is shown
local MAX_DEPTH = 2

-- What a line of the user's can replace must not be looked up later.
local read, write, flush, stdout = C.read, C.write, io.stdout.flush, io.stdout
local loadstring, pcall, select, tostring, type = loadstring, pcall, select, tostring, type
local format, byte, gsub, rep, sub = string.format, string.byte, string.gsub, string.rep, string.sub
local getmetatable = getmetatable
local find, match, concat, sort, next = string.find, string.match, table.concat, table.sort, next

-- High, so that the numbers that a line sees are those of a script without arg.
local socket = C.fcntl(arg, C.F_DUPFD_CLOEXEC, 100)
C.close(arg)
arg, errexit = nil, false

local function names()
    local list = {}
    local function add(prefix, from)
        for name in next, from do
            if type(name) == "string" then
                list[#list + 1] = prefix .. name
            end
        end
    end
    local _, of_C = debug.getupvalue(getmetatable(C).__index, 1)
    add("C.", of_C)
    add("", _G)
    for _, library in ipairs { "bit", "coroutine", "debug", "io", "math", "os", "string", "table" } do
        add(library .. ".", _G[library])
    end
    sort(list)
    return concat(list, "\n")
end

local function quote(text)
    text = gsub(text, '[%c"\\\127-\255]', function(c)
        if c == '"' or c == "\\" then
            return "\\" .. c
        elseif c == "\n" then
            return "\\n"
        end
        return format("\\%03d", byte(c))
    end)
    return '"' .. text .. '"'
end

local show

local function show_table(value, depth)
    local list, fields = {}, {}
    local length = #value
    for i = 1, length do
        if i > MAX_ENTRIES then
            break
        end
        list[i] = show(value[i], depth + 1)
    end
    for key, field in next, value do
        local in_list = type(key) == "number" and key >= 1 and key <= length and key % 1 == 0
        if not in_list and #fields <= MAX_ENTRIES then
            local is_name = type(key) == "string" and find(key, "^[%a_][%w_]*$")
            local name = is_name and key or "[" .. show(key, MAX_DEPTH) .. "]"
            fields[#fields + 1] = name .. " = " .. show(field, depth + 1)
        end
    end
    sort(fields)
    for i = 1, #fields do
        list[#list + 1] = fields[i]
    end
    if #list > MAX_ENTRIES then
        list[MAX_ENTRIES + 1] = "..."
    end
    return "{" .. concat(list, ", ", 1, #list > MAX_ENTRIES and MAX_ENTRIES + 1 or #list) .. "}"
end

function show(value, depth)
    if type(value) == "string" then
        return quote(value)
    elseif type(value) == "number" then
        return format("%.14g", value)
    elseif type(value) == "table" and not getmetatable(value) then
        return depth < MAX_DEPTH and show_table(value, depth) or "{...}"
    end
    local good, text = pcall(tostring, value)
    return good and type(text) == "string" and text or "(" .. type(value) .. ")"
end

-- The errno that a call has returned behind its other results, or 0.
local function errno_of(code, count, ...)
    local last = count > 1 and select(count, ...)
    if type(last) ~= "number" or last < 1 or last > 4095 or last % 1 ~= 0 then
        return 0
    end
    if match(code, "^%s*write_all%s*%(") then -- its other result is what it has written
        return last
    end
    for i = 1, count - 1 do
        local result = select(i, ...)
        if result ~= nil and result ~= -1 then
            return 0
        end
    end
    return last
end

local function answer(kind, text)
    pcall(flush, stdout)
    for first = 1, #text, PART do
        write(socket, "T" .. sub(text, first, first + PART - 1))
    end
    write(socket, kind)
end

local function answer_results(code, good, ...)
    local count = select("#", ...)
    if not good then
        local message = ...
        return answer("E", type(message) == "string" and message or show(message, 0))
    end
    local texts = {}
    for i = 1, count do
        texts[i] = show((select(i, ...)), 0)
    end
    answer("V" .. format("%d", errno_of(code, count, ...)), concat(texts, ", "))
end

local function same(...)
    return ...
end

local function run(code)
    local chunk, message = loadstring("return " .. code, "@repl")
    if chunk then -- as a tail call it would leave no trace of itself in messages
        chunk = loadstring("return (...)(" .. code .. ")", "@repl") or -- there may be a comment
            loadstring("return (...)(" .. code .. "\n)", "@repl") or chunk
    else
        chunk, message = loadstring(code, "@repl")
    end
    if chunk then
        answer_results(code, pcall(chunk, same))
    elseif find(message, "'<eof>'$") then
        answer("M", "")
    else
        answer("E", message)
    end
end

write(socket, names())
while true do
    local code = read(socket, MAX_MESSAGE)
    if not code or code == "" then
        return -- the host has closed its end, or a line has closed ours
    end
    run(code)
end
