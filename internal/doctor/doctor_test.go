//go:build linux

package doctor

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/capability"
	"github.com/go-initscript/initscript/internal/machine/machinetest"
	"golang.org/x/sys/unix"
)

// find returns the finding of that name.
func (r *Report) find(t *testing.T, name string) Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("nothing is found about %s", name)
	}
	return r.Findings[i]
}

func TestExamine(t *testing.T) {
	t.Setenv("container", "")
	m := machinetest.Kernel(machinetest.Filtered, "vm.memfd_noexec=2", "user.max_user_namespaces=0")
	m["/proc/self/mountinfo"] = "30 1 0:5 / /proc rw - proc proc rw,hidepid=2\n31 30 0:9 / " +
		"/proc/kcore rw - tmpfs tmpfs rw\n"
	m["/proc/1/cgroup"] = "0::/docker/0123\n"
	m["/.dockerenv"] = ""
	m["/sys/kernel/security/lsm"] = "lockdown,capability,landlock\n"
	m["/proc/sys/kernel/seccomp/actions_avail"] = "kill_process allow\n"
	m.Use(t)
	report := Examine(func(kinds []string, script string) (string, error) {
		if slices.Contains(kinds, "user") {
			return "why: also (why: it) so: the fix (docker: an option)", errors.New("refused")
		}
		return "", nil
	}, capability.Name)
	if !report.OK {
		t.Error("not OK, though a process can be started")
	}
	for _, want := range []Finding{
		{"start a process", OK, "a script runs in a new process", ""},
		{"executable memfd", No, "vm.memfd_noexec is 2: no memfd can be executed, and the fork " +
			"server is one", "sysctl -w vm.memfd_noexec=1, as root of this PID namespace"},
		{"user namespace", No, "refused; why: also (why: it) so", "the fix (docker: an option)"},
		{"net namespace", No, "refused; why: also (why: it) so", "the fix (docker: an option)"},
		{"/proc", Info, "partly hidden: /proc/kcore; hidepid=2", ""},
		{"seccomp filter", OK, "can be installed", ""},
		{"seccomp actions", Info, "kill_process allow", ""},
		{"seccomp of this process", Info, "filter, 1 installed", ""},
		{"no_new_privs", Info, "not set", ""},
		{"user namespace of this process", Info, "the initial one, or one with the same ids", ""},
		{"LSMs", Info, "lockdown,capability,landlock", ""},
		{"user.max_user_namespaces", Info, "0", ""},
		{"container", Info, "perhaps: /.dockerenv exists; /proc/1/cgroup names docker; /proc is " +
			"partly hidden", ""},
	} {
		if got := report.find(t, want.Name); got != want {
			t.Errorf("%+v\nwant %+v", got, want)
		}
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"OK  start a process ", "NO  user namespace  ", "  fix: the fix " +
		"(docker: an option)\n", "-   LSMs "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
}

func TestExamineWhereNothingWorks(t *testing.T) {
	machinetest.Files{}.Use(t)
	report := Examine(func([]string, string) (string, error) { return "", unix.ENOSYS }, capability.Name)
	if report.OK {
		t.Error("OK")
	}
	for name, want := range map[string]string{
		"start a process": unix.ENOSYS.Error(), "capabilities": "not known: no /proc",
		"LSMs":  "not known: /sys/kernel/security/lsm cannot be read",
		"/proc": "no proc is mounted there: each start takes longer, and much here is not known",
	} {
		if got := report.find(t, name); got.Detail != want {
			t.Errorf("%s: %s", name, got.Detail)
		}
	}
}
