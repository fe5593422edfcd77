-- Step 2: with --ns user,uts the process has a host name of its own.

C.sethostname("box")
