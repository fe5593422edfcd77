-- Has the kernel execute programs for arm64 by qemu, in the user namespace of this process only
-- (since Linux 6.7).
C.mount("binfmt_misc", "/proc/sys/fs/binfmt_misc", "binfmt_misc", 0, nil)
local register = C.open("/proc/sys/fs/binfmt_misc/register", bit.bor(C.O_WRONLY, C.O_CLOEXEC))
-- An ELF header and its mask: 64 bits, least significant byte first, a program, for AArch64. O and F
-- of the flags: qemu gets the program, and is itself opened now, so neither needs a path later.
write_all(register, [[:arm64:M:]] ..
    [[:\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00]] ..
    [[:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff]] ..
    [[:/usr/bin/qemu-aarch64-static:OF]])
