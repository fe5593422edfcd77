-- Bounds what each process of a program may use up, for any user but root, who may raise the limits
-- again:
--
--     initscript run --env PATH=/usr/bin:/bin lua/recipes/resource-limits.lua -- make
--
-- Many processes can still use up much together; against that there are cgroups only, in which the
-- launcher can be started.
--
-- Beyond Emilua: C.getrlimit and C.setrlimit.

local MIB = 2 ^ 20
local LIMITS = {
    { C.RLIMIT_CPU, 600 }, -- seconds of computing; then the process is killed
    { C.RLIMIT_AS, 4096 * MIB }, -- memory, with all that is only mapped
    { C.RLIMIT_FSIZE, 1024 * MIB }, -- the size of a file that it writes
    { C.RLIMIT_CORE, 0 },
    { C.RLIMIT_NOFILE, 512 }, -- open descriptors
    { C.RLIMIT_NPROC, 2048 }, -- of all processes and threads that the user has on the host
}

-- What is lower already stays as it is.
local function limit(resource, value)
    local _, hard = C.getrlimit(resource)
    if hard ~= C.RLIM_INFINITY then
        value = math.min(value, hard)
    end
    C.setrlimit(resource, value, value)
end

for _, row in ipairs(LIMITS) do
    limit(row[1], row[2])
end
