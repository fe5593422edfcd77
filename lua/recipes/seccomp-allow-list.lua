-- Refuses a program all system calls but a few, as any user. Those are what a filter such as sort,
-- gzip or xmllint needs that reads files and writes to its standard output:
--
--     initscript run --env PATH=/usr/bin:/bin lua/recipes/seccomp-allow-list.lua -- \
--         sort /etc/services
--
-- What runs opens files for reading only, and makes no files, processes, sockets or namespaces.
-- Another list comes through arg, as the bytes that `initscript seccomp compile` writes:
--
--     initscript run --arg-file policy.bpf --env PATH=/usr/bin:/bin \
--         lua/recipes/seccomp-allow-list.lua -- program
--
-- It can still read every file of its user's, and use what is open already.
--
-- The filter is for a program that takes the place of the script: Emilua runs this script too, and
-- then it must end with C.execve, as an actor needs many more calls.

-- Newer calls have numbers from here on, on every architecture.
local FIRST_NEW_CALL = 424

-- Flags of open(2) that make or change a file.
local WRITING = bit.bor(C.O_WRONLY, C.O_RDWR, C.O_CREAT, C.O_TRUNC)
local TCGETS = 0x5401 -- what isatty(3) asks a terminal

-- name, number on x64, number on arm64; where they have a condition: which argument, from 0, is
-- compared, which of its lower 32 bits, and their value. The kernel ignores the upper half of these
-- arguments, which are of type int.
local ALLOWED = {
    -- Files.
    { "open", 2, nil, 1, WRITING, 0 },
    { "openat", 257, 56, 2, WRITING, 0 },
    { "close", 3, 57 },
    { "read", 0, 63 },
    { "readv", 19, 65 },
    { "pread64", 17, 67 },
    { "write", 1, 64 },
    { "writev", 20, 66 },
    { "lseek", 8, 62 },
    { "fadvise64", 221, 223 },
    { "stat", 4, nil },
    { "lstat", 6, nil },
    { "fstat", 5, 80 },
    { "newfstatat", 262, 79 },
    { "statx", 332, 291 },
    { "access", 21, nil },
    { "faccessat", 269, 48 },
    { "readlink", 89, nil },
    { "readlinkat", 267, 78 },
    { "getcwd", 79, 17 },
    { "getdents64", 217, 61 },
    { "dup", 32, 23 },
    { "dup2", 33, nil },
    { "dup3", 292, 24 },
    { "fcntl", 72, 25 },
    { "ioctl", 16, 29, 1, 0xffffffff, TCGETS },
    { "copy_file_range", 326, 285 },
    -- Memory.
    { "brk", 12, 214 },
    { "mmap", 9, 222 },
    { "mprotect", 10, 226 },
    { "mremap", 25, 216 },
    { "munmap", 11, 215 },
    { "madvise", 28, 233 },
    -- The process itself.
    { "execve", 59, 221 }, -- how it starts
    { "arch_prctl", 158, nil },
    { "set_tid_address", 218, 96 },
    { "set_robust_list", 273, 99 },
    { "rseq", 334, 293 },
    { "prlimit64", 302, 261 },
    { "getrandom", 318, 278 },
    { "getpid", 39, 172 },
    { "getuid", 102, 174 },
    { "geteuid", 107, 175 },
    { "getgid", 104, 176 },
    { "getegid", 108, 177 },
    { "uname", 63, 160 },
    { "sysinfo", 99, 179 },
    { "sched_getaffinity", 204, 123 },
    { "futex", 202, 98 },
    { "rt_sigaction", 13, 134 },
    { "rt_sigprocmask", 14, 135 },
    { "rt_sigreturn", 15, 139 },
    { "sigaltstack", 131, 132 },
    { "restart_syscall", 219, 128 },
    { "exit", 60, 93 },
    { "exit_group", 231, 94 },
    -- The launcher, before the program: to close what the script has opened, and to report.
    { "close_range", 436, 436 },
    { "sendto", 44, 206 },
}

-- One classic BPF instruction, struct sock_filter, on a little-endian machine.
local function instruction(code, if_true, if_false, k)
    local function byte(shift)
        return bit.band(bit.rshift(k, shift), 0xff)
    end
    return string.char(code, 0, if_true, if_false, byte(0), byte(8), byte(16), byte(24))
end

-- A word of struct seccomp_data.
local function load(offset)
    return instruction(0x20, 0, 0, offset)
end

local function mask(bits)
    return instruction(0x54, 0, 0, bits)
end

-- Skips as many of the instructions that follow.
local function skip_if_equal(value, count_if_so, count_if_not)
    return instruction(0x15, count_if_so, count_if_not, value)
end

local function skip_if_at_least(value, count_if_so, count_if_not)
    return instruction(0x35, count_if_so, count_if_not, value)
end

local function answer(action, errno)
    return instruction(0x06, 0, 0, bit.bor(action, errno or 0))
end

local NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
local KILL, FAIL, ALLOW = 0x80000000, 0x00050000, 0x7fff0000

-- With the number loaded, before and, if it goes on, after.
local function allow(number, argument, bits, value)
    if not argument then
        return skip_if_equal(number, 0, 1) .. answer(ALLOW)
    end
    return table.concat({
        skip_if_equal(number, 0, 5),
        load(ARGUMENTS + 8 * argument), -- the lower half
        mask(bits),
        skip_if_equal(value, 0, 1),
        answer(ALLOW),
        load(NUMBER),
    })
end

local function assemble(architecture, column)
    local program = {
        load(ARCHITECTURE),
        skip_if_equal(architecture, 1, 0),
        answer(KILL), -- the numbers of 32-bit programs mean something else
        load(NUMBER),
    }
    for _, row in ipairs(ALLOWED) do
        if row[column] then
            program[#program + 1] = allow(row[column], row[4], row[5], row[6])
        end
    end
    -- To a new call that does not exist a C library knows an older alternative. Not to exist is
    -- right for x32, too: a second ABI of x64 with other numbers, from 0x40000000 on.
    program[#program + 1] = skip_if_at_least(FIRST_NEW_CALL, 0, 1)
    program[#program + 1] = answer(FAIL, C.ENOSYS)
    program[#program + 1] = answer(FAIL, C.EPERM)
    return table.concat(program)
end

local function built_in_filter()
    if jit.arch == "x64" then
        return assemble(0xc000003e, 2)
    elseif jit.arch == "arm64" then
        return assemble(0xc00000b7, 3)
    end
    error("no system call numbers for " .. jit.arch .. " here: pass a filter through arg", 0)
end

-- Up to the end of the file: a read may return less than it is asked for.
local function read_all(fd)
    local parts = {}
    repeat
        local part = C.read(fd, 4096)
        parts[#parts + 1] = part
    until part == ""
    return table.concat(parts)
end

local filter = arg and read_all(arg) or built_in_filter()
set_no_new_privs()
C.seccomp_set_mode_filter(filter)
