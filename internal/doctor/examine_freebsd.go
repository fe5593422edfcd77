package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Examine looks at everything. What can be tried is tried.
func Examine(try Try, _ func(int) string) Report {
	e := &examination{try: try}
	e.begin()
	e.tried("no_new_privs", nil, `set_no_new_privs()`, "can be set")
	e.tried("capability mode", nil, `C.cap_enter()`, "can be entered")
	// The jail ends with the child, as it has no "persist".
	e.tried("jail", nil, `C.jail_set({path = "/"}, {"create", "attach"})`, "can be made and entered")
	e.user()
	for _, name := range []string{
		"security.jail.jailed", "security.jail.children.max", "security.bsd.unprivileged_chroot",
	} {
		if value, err := unix.SysctlUint32(name); err == nil {
			e.add(name, Info, fmt.Sprint(value), "")
		}
	}
	return e.Report
}
