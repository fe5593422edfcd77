package initscript

import (
	"bytes"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// hint returns what probably made the kernel refuse the namespaces, and what helps; "" when nothing
// is known. It reads what anybody may read, when the error is shown.
func (e *NamespaceError) hint() string {
	switch {
	case errors.Is(e.Err, unix.ENOSPC):
		return "a limit in /proc/sys/user is reached, or 32 levels of them"
	case !errors.Is(e.Err, unix.EPERM):
		return ""
	case statusLine("Seccomp") == "2":
		return "this process is under a seccomp filter, as in a container, which may refuse them; " +
			"with Docker, --security-opt seccomp=unconfined or --cap-add SYS_ADMIN allows them"
	case e.Namespaces&NewUser == 0:
		return "they need CAP_SYS_ADMIN, or a user namespace with them"
	}
	for _, setting := range []struct{ path, forbids string }{
		{"/proc/sys/kernel/unprivileged_userns_clone", "0"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"},
	} {
		value, err := os.ReadFile(setting.path)
		if err == nil && strings.TrimSpace(string(value)) == setting.forbids {
			return setting.path + " is " + setting.forbids
		}
	}
	return ""
}

// statusLine returns a value of /proc/self/status, or "".
func statusLine(key string) string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	_, rest, _ := bytes.Cut(status, []byte("\n"+key+":"))
	value, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(bytes.TrimSpace(value))
}
