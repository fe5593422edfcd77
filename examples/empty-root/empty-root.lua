-- Replaces the root directory by an empty one, puts two things into it, and shows it to the
-- parent, at the other end of arg.

C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil) -- nothing is propagated to the host
C.mount("tmpfs", "/tmp", "tmpfs", bit.bor(C.MS_NOSUID, C.MS_NODEV), "mode=0755")

-- With "." for both, the old root ends up on top of the new one instead of in a directory of it,
-- so that no such directory is left when it is detached.
C.chdir("/tmp")
C.pivot_root(".", ".")
C.umount2(".", C.MNT_DETACH)
C.chdir("/")

C.mkdir("/directory", mode(7, 5, 5))
local flags = bit.bor(C.O_WRONLY, C.O_CREAT, C.O_EXCL, C.O_CLOEXEC)
write_all(C.open("/file", flags, mode(6, 4, 4)), "made by the script\n")

send_with_fd(arg, "root", C.open("/", bit.bor(C.O_RDONLY, C.O_DIRECTORY, C.O_CLOEXEC)))

-- What was there before is out of reach. This call must fail, so its error is not fatal.
errexit = false
local _, errno = C.open("/etc/passwd", bit.bor(C.O_RDONLY, C.O_CLOEXEC))
errexit = true
C.write(arg, tostring(errno))
