-- Step 3: with --ns user,mount,uts the process has mounts of its own.

C.sethostname("box")

-- Or what the host mounts later would appear here too.
C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
C.mount("tmpfs", "/tmp", "tmpfs", bit.bor(C.MS_NOSUID, C.MS_NODEV), "mode=1777")
