-- spawn_vm of hosts. Everything is checked here, in Emilua's order, before Go is asked to start a
-- process: an error that Lua code raises can be caught by pcall.

local start, descriptor, raise, number = ...
local type, pairs, ipairs, rawget, setmetatable = type, pairs, ipairs, rawget, setmetatable
local concat, getinfo, open, loadstring = table.concat, debug.getinfo, io.open, loadstring
local package = package

local NO_MODULE, PATH, SOURCE = 0, 1, 2
local BROKEN, SHARED = -1, -2

-- Bits of initscript.Namespaces, in Emilua's order of checks.
local namespaces = {
    { "newns_uts", 16 }, { "newns_ipc", 32 }, { "newns_pid", 4 },
    { "newns_user", 1 }, { "newns_net", 8 }, { "newns_mount", 2 },
}

local function fail(name, argument, text)
    local category = name:find("^E") and "generic" or "initscript"
    local what = type(argument) == "number" and "argument " .. argument or argument
    local level = 2
    local info = getinfo(level, "S")
    while info and info.source == "=luahost" do -- nil: nobody called, but a coroutine began there
        level = level + 1
        info = getinfo(level, "S")
    end
    raise(category, number[name], argument, ("spawn_vm: %s: %s"):format(what, text), level)
end

local function expect(value, wanted, argument)
    if value ~= nil and type(value) ~= wanted then
        fail("EINVAL", argument, ("%s or nil expected, got %s"):format(wanted, type(value)))
    end
    return value
end

-- filesystem.path, as far as it is needed to name a file inside the new root.
local path = {}
path.__metatable = "path"
path.__tostring = function(self) return rawget(self, 1) end
local paths = setmetatable({}, { __mode = "k" })

local function new_path(text)
    if type(text) ~= "string" then
        raise("generic", number.EINVAL, 1, "path.new: string expected, got " .. type(text), 2)
    end
    local object = setmetatable({ text }, path)
    paths[object] = text
    return object
end

local function exists(name)
    local file = open(name, "rb")
    if file then file:close() end
    return file ~= nil
end

local function read_module(name)
    local file, problem = open(name, "rb")
    local text = file and file:read("*a")
    if file then file:close() end
    if not text then
        fail("module_not_found", "module", problem or name .. ": cannot be read")
    end
    return (text:gsub("^#[^\n]*", "", 1))
end

-- What the actor would only find out when it runs.
local function check_source(text, name, argument)
    if text:sub(1, 1) == "\27" then
        fail("EINVAL", argument, "bytecode; a source text is expected")
    end
    if text:find("\0", 1, true) then
        fail("EINVAL", argument, "contains a NUL byte: not a Lua source text")
    end
    local chunk, problem = loadstring(text, "@" .. name)
    if not chunk then fail("EINVAL", argument, problem) end
end

-- pcall and the like are passed over.
local function file_of_caller()
    local level = 2
    local info = getinfo(level, "S")
    while info and (info.what == "C" or info.source == "=luahost") do
        level = level + 1
        info = getinfo(level, "S")
    end
    return info and info.source:match("^@(.*)$")
end

-- Finds a module like require does; "./x" and "../x" begin at the file that calls spawn_vm.
local function find_module(module, from)
    if module == "." then
        return from or fail("module_not_found", "module", "the caller is not in a file")
    end
    if module == ".." or module:find("/$") or module:find("\0", 1, true) then
        fail("invalid_module_name", "module", ("%q is not the name of a module"):format(module))
    end
    if not module:find("^%.%.?/") then
        local found, tried = package.searchpath(module, package.path)
        return found or fail("module_not_found", "module", ("%q: %s"):format(module, tried))
    end
    local base = (from and from:match("^.*/") or "") .. module:gsub("^%./", "")
    for _, name in pairs({ base .. ".lua", base .. "/init.lua", base }) do
        if exists(name) then return name end
    end
    fail("module_not_found", "module", ("there is no %s.lua"):format(base))
end

-- Returns what start wants to know: kind, path or text, name.
local function resolve(options, has_script, from)
    local module, source = options.module, options.module_source
    if source ~= nil then
        check_source(source, "module", "module_source")
        return SOURCE, source, "module"
    elseif paths[module] then
        return PATH, paths[module], paths[module]
    elseif module == nil or module == "" then
        return NO_MODULE, "", ""
    elseif module:find("^/") then
        -- A script may make it; without one it has to be there.
        if not has_script and not exists(module) then
            fail("module_not_found", "module", module .. " does not exist")
        end
        return PATH, module, module
    end
    local name = find_module(module, from)
    local text = read_module(name)
    check_source(text, name, "module")
    return SOURCE, text, name
end

local function check_module(options)
    local module = options.module
    if module ~= nil and type(module) ~= "string" and not paths[module] then
        fail("EINVAL", "module", "string, path or nil expected, got " .. type(module))
    end
    if expect(options.module_source, "string", "module_source") and module ~= nil then
        fail("EINVAL", "module_source", "module is set, too")
    end
end

local function check_descriptor(value, argument)
    local fd = descriptor(value)
    if fd == nil then
        fail("EINVAL", argument, "file_descriptor or nil expected, got " .. type(value))
    elseif fd == false then
        fail("EBUSY", argument, "the file_descriptor is closed")
    end
    return fd
end

local function stdio(subprocess, name)
    local value = subprocess[name]
    if value == nil then return BROKEN end
    if value == "share" then return SHARED end
    if type(value) == "string" then
        fail("EINVAL", "subprocess/" .. name, ('"share" is the only string, got %q'):format(value))
    end
    return check_descriptor(value, "subprocess/" .. name)
end

local function environment(subprocess)
    local packed, argument = {}, "subprocess/environment"
    for key, value in pairs(expect(subprocess.environment, "table", argument) or {}) do
        if type(key) ~= "string" or type(value) ~= "string" then
            fail("EINVAL", argument, ("strings expected, got [%s] = %s"):format(type(key), type(value)))
        elseif key == "" or key:find("[=%z]") or value:find("%z") then
            fail("EINVAL", argument, ("%q cannot be in an environment"):format(key))
        end
        packed[#packed + 1] = key .. "=" .. value .. "\0"
    end
    return concat(packed)
end

local function is_tree(value)
    if type(value) ~= "table" then return type(value) == "string" end
    for key, below in pairs(value) do
        if type(key) ~= "string" or not is_tree(below) then return false end
    end
    return true
end

local function refuse_unsupported(subprocess)
    local tree = subprocess.source_tree_cache
    if tree ~= nil and (type(tree) ~= "table" or not is_tree(tree)) then
        fail("EINVAL", "subprocess/source_tree_cache", "tables of strings expected")
    end
    for _, name in ipairs({ "source_tree_cache", "native_modules_cache", "ld_library_directories",
        "libc_service" }) do
        if subprocess[name] ~= nil then
            fail("ENOTSUP", "subprocess/" .. name, "this option is not supported")
        end
    end
end

local function init(subprocess)
    local init = expect(subprocess.init, "table", "subprocess/init")
    if init == nil then return "", -1 end
    local arg, script = init.arg, init.script
    local fd = arg == nil and -1 or check_descriptor(arg, "subprocess/init/arg")
    if type(script) ~= "string" then
        fail("EINVAL", "subprocess/init/script", "string expected, got " .. type(script))
    end
    return script, fd
end

local function check_options(options)
    if type(options) ~= "table" then
        if type(options) == "string" then
            fail("ENOTSUP", "subprocess", "only actors in a process of their own can be made here")
        end
        fail("EINVAL", 1, "table expected, got " .. type(options))
    end
    check_module(options)
    local subprocess = options.subprocess
    if type(subprocess) ~= "table" then
        fail("ENOTSUP", "subprocess", "only actors in a process of their own can be made here, "
            .. "table expected, got " .. type(subprocess))
    end
    for _, name in ipairs({ "inherit_context", "new_master" }) do
        if type(options[name]) == "boolean" then
            fail("EINVAL", 1, name .. " cannot be given together with subprocess")
        end
    end
    return subprocess
end

function spawn_vm(options)
    local subprocess = check_options(options)
    local flags = 0
    for _, namespace in ipairs(namespaces) do
        if expect(subprocess[namespace[1]], "boolean", "subprocess/" .. namespace[1]) then
            flags = flags + namespace[2]
        end
    end
    expect(subprocess.pd_daemon, "boolean", "subprocess/pd_daemon")
    local stdin, stdout = stdio(subprocess, "stdin"), stdio(subprocess, "stdout")
    local stderr = stdio(subprocess, "stderr")
    local packed = environment(subprocess)
    refuse_unsupported(subprocess)
    local script, arg = init(subprocess)
    local kind, module, name = resolve(options, subprocess.init ~= nil, file_of_caller())
    local channel, errno, argument, text =
        start(kind, module, name, script, packed, flags, stdin, stdout, stderr, arg)
    if not channel then
        raise("generic", errno, argument, "spawn_vm: " .. text, 2)
    end
    return channel
end

if filesystem == nil then filesystem = { path = { new = new_path } } end
if _CONTEXT == nil then _CONTEXT = "main" end
