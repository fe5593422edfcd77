//go:build (linux || freebsd) && cgo

package trace

// How the arguments and results of each function of scripts are shown, and what its success tells of
// descriptors.

// tracedFunction is one row. What a row does not say is shown as Lua would write it.
type tracedFunction struct {
	args    []shower
	results []shower                     // of success
	opens   func(c *tracedCall) []string // what the results are descriptors of, if they are
	after   func(c *tracedCall)          // a success that changes what descriptors are
	noErrno bool                         // the last result is not errno
}

var (
	dirFD     = shower(showDirectory)
	oneFD     = []shower{showFD}
	pathOwner = []shower{showPath, showValue, showValue}

	tracedFunctions = map[string]tracedFunction{
		// api_io.c
		"read":      {args: []shower{showFD, showValue}, results: []shower{showData}},
		"write":     {args: []shower{showFD, showData}},
		"open":      {args: []shower{showPath, openFlags.show, showMode}, results: oneFD, opens: pathOf(0)},
		"close":     {args: oneFD, after: closed},
		"closefrom": {args: []shower{showFD}, after: closedFrom, noErrno: true},
		"dup":       {args: oneFD, results: oneFD, opens: sameAs(0)},
		"dup2":      {args: []shower{showFD, showFD}, results: oneFD, opens: sameAs(0)},
		"socket":    {args: []shower{socketDomains.show, socketTypes.show, showProtocol}, results: oneFD, opens: socketOf},
		"listen":    {args: []shower{showFD, backlogs.show}},

		// api_descriptor.c
		"pipe2":      {args: []shower{openFlagsOnly}, results: []shower{showFD, showFD}, opens: named("pipe, read end", "pipe, write end")},
		"socketpair": {args: []shower{socketDomains.show, socketTypes.show, showProtocol}, results: []shower{showFD, showFD}, opens: named("socketpair", "socketpair")},
		"fcntl":      {args: []shower{showFD, fcntlCommands.show, showFcntlArgument}, results: []shower{showFcntlResult}, opens: duplicatedByFcntl},

		// api_file.c
		"mkdir":   {args: []shower{showPath, showMode}},
		"mkfifo":  {args: []shower{showPath, showMode}},
		"mknod":   {args: []shower{showPath, showNodeMode, showDevice}},
		"makedev": {results: []shower{showDevice}, noErrno: true},
		"link":    {args: []shower{showPath, showPath}},
		"symlink": {args: []shower{showPath, showPath}},
		"unlink":  {args: []shower{showPath}},
		"rmdir":   {args: []shower{showPath}},
		"rename":  {args: []shower{showPath, showPath}},
		"chown":   {args: pathOwner},
		"lchown":  {args: pathOwner},
		"fchown":  {args: []shower{showFD, showValue, showValue}},
		"chmod":   {args: []shower{showPath, showMode}},
		"fchmod":  {args: []shower{showFD, showMode}},
		"chdir":   {args: []shower{showPath}},
		"fchdir":  {args: oneFD},
		"chroot":  {args: []shower{showPath}},
		"umask":   {args: []shower{showMode}, results: []shower{showMode}, noErrno: true},
		"access":  {args: []shower{showPath, showAccess}},
		"eaccess": {args: []shower{showPath, showAccess}},

		// api_openat2_linux.c, api_at.c
		"openat2":   {args: []shower{dirFD, showPath, showFields(openHow)}, results: oneFD, opens: pathOf(1)},
		"mkdirat":   {args: []shower{dirFD, showPath, showMode}},
		"mknodat":   {args: []shower{dirFD, showPath, showNodeMode, showDevice}},
		"linkat":    {args: []shower{dirFD, showPath, dirFD, showPath, atFlags.show}},
		"symlinkat": {args: []shower{showPath, dirFD, showPath}},
		"unlinkat":  {args: []shower{dirFD, showPath, atFlags.show}},
		"renameat2": {args: []shower{dirFD, showPath, dirFD, showPath, renameFlags.show}},
		"fchownat":  {args: []shower{dirFD, showPath, showValue, showValue, atFlags.show}},
		"fchmodat":  {args: []shower{dirFD, showPath, showMode, atFlags.show}},

		// api_mount_linux.c
		"mount":      {args: []shower{showPath, showPath, showValue, mountFlags.show, showPath}},
		"umount":     {args: []shower{showPath}},
		"umount2":    {args: []shower{showPath, umountFlags.show}},
		"pivot_root": {args: []shower{showPath, showPath}},

		// api_mount_fd_linux.c
		"fsopen":        {args: []shower{showValue, fsopenFlags.show}, results: oneFD, opens: prefixed("fs ", 0)},
		"fsconfig":      {args: []shower{showFD, fsconfigCommands.show, showValue, showPath, showFsconfigAux}},
		"fsmount":       {args: []shower{showFD, fsmountFlags.show, mountAttributes.show}, results: oneFD, opens: mountOf},
		"fspick":        {args: []shower{dirFD, showPath, fspickFlags.show}, results: oneFD, opens: prefixed("fs at ", 1)},
		"move_mount":    {args: []shower{dirFD, showPath, dirFD, showPath, moveMountFlags.show}},
		"open_tree":     {args: []shower{dirFD, showPath, openTreeFlags.show}, results: oneFD, opens: prefixed("mount ", 1)},
		"mount_setattr": {args: []shower{dirFD, showPath, atFlags.show, showFields(mountAttr)}},

		// api_process.c
		"setsid":        {},
		"setpgid":       {},
		"getpgid":       {},
		"getsid":        {},
		"getpid":        {noErrno: true},
		"getppid":       {noErrno: true},
		"unshare":       {args: []shower{namespaceFlags.show}},
		"setns":         {args: []shower{showFD, namespaceFlags.show}},
		"sethostname":   {},
		"setdomainname": {},

		// api_credential.c
		"setresuid": {},
		"setresgid": {},
		"setgroups": {},
		"getgroups": {},
		"getuid":    {noErrno: true},
		"geteuid":   {noErrno: true},
		"getgid":    {noErrno: true},
		"getegid":   {noErrno: true},

		// api_capability_linux.c
		"cap_set_proc":      {args: []shower{showPath}},
		"cap_drop_bound":    {},
		"cap_set_ambient":   {},
		"cap_reset_ambient": {},
		"cap_set_secbits":   {args: []shower{securebitFlags.show}},

		// api_prctl_linux.c, api_resource.c
		"prctl":     {args: []shower{prctlOptions.show, showPrctlArgument}, results: []shower{showPrctlResult}},
		"setrlimit": {args: []shower{resources.show, limits.show, limits.show}},
		"getrlimit": {args: []shower{resources.show}, results: []shower{limits.show, limits.show}},

		// api_keyring_linux.c
		"keyctl": {args: []shower{keyctlOperations.show, keyrings.show, keyrings.show}},

		// api_exec.c
		"execve":  {args: []shower{showPath, showValue, showEnvironment}},
		"fexecve": {args: []shower{showFD, showValue, showEnvironment}},

		// api_seccomp_linux.c, api_landlock_linux.c
		"seccomp_set_mode_filter": {args: []shower{showFilter}, results: []shower{showListener}, opens: listenerOf},
		"landlock_create_ruleset": {results: []shower{showRuleset}, opens: rulesetOf},
		"landlock_add_rule":       {args: []shower{showFD, showValue, showFields(pathBeneath)}},
		"landlock_restrict_self":  {args: oneFD},

		// api_helper.c
		"mode":             {results: []shower{showMode}, noErrno: true},
		"write_all":        {args: []shower{showFD, showData}},
		"receive_with_fd":  {args: []shower{showFD, showValue}, results: []shower{showData, showFD}, opens: receivedFD},
		"send_with_fd":     {args: []shower{showFD, showData, showFD}},
		"set_no_new_privs": {},
		"bind_unix":        {args: []shower{showFD, showPath}, after: bound},
		"major":            {args: []shower{showDevice}, noErrno: true},
		"minor":            {args: []shower{showDevice}, noErrno: true},
	}
)

var (
	openHow = map[string]shower{"flags": openFlags.show, "mode": showMode, "resolve": resolveFlags.show}

	mountAttr = map[string]shower{
		"attr_set": mountAttributes.show, "attr_clr": mountAttributes.show,
		"propagation": mountFlags.show, "userns_fd": showFD,
	}

	pathBeneath = map[string]shower{"parent_fd": showFD}
)
