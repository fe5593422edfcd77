-- Leaves a decoder nothing but its memory and its channel: no file system, no network, no
-- privileges, and few system calls. arg is the compiled seccomp policy.

C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil) -- nothing is propagated to the host
local flags = bit.bor(C.MS_NOSUID, C.MS_NODEV, C.MS_NOEXEC)
C.mount("tmpfs", "/tmp", "tmpfs", flags, "mode=0555,size=4k")
C.chdir("/tmp")
C.pivot_root(".", ".")
C.umount2(".", C.MNT_DETACH)
C.chdir("/")
C.mount(nil, "/", nil, bit.bor(C.MS_REMOUNT, C.MS_BIND, C.MS_RDONLY, flags), nil)

local filter = C.read(arg, 32768) -- no filter is larger
C.cap_set_proc("=")
set_no_new_privs()
C.seccomp_set_mode_filter(filter)
