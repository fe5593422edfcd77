package start_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
)

func TestParseNamespaces(t *testing.T) {
	tests := []struct {
		list string
		want initscript.Namespaces
		text string // of the result, or of the error
	}{
		{"", 0, ""},
		{"user", initscript.NewUser, "user"},
		{"time,user, pid", initscript.NewUser | initscript.NewPID | initscript.NewTime, "user,pid,time"},
		{"user,mount,pid,net,uts,ipc,cgroup,time", 0xff, "user,mount,pid,net,uts,ipc,cgroup,time"},
		{"user,foo", 0, `unknown namespace "foo" (known: user, mount, pid, net, uts, ipc, cgroup, ` +
			`time)`},
		{"user,", 0, `unknown namespace "" (known: user, mount, pid, net, uts, ipc, cgroup, time)`},
		{"User", 0, `unknown namespace "User" (known: user, mount, pid, net, uts, ipc, cgroup, time)`},
	}
	for _, test := range tests {
		set, err := initscript.ParseNamespaces(test.list)
		text := set.String()
		if err != nil {
			text = err.Error()
		}
		if set != test.want || text != test.text {
			t.Errorf("%q: %v, %s", test.list, set, text)
		}
	}
}

// Each namespace alone, and that it is the only one that is new.
func TestNamespaces(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	links := []string{"user", "mnt", "pid", "net", "uts", "ipc", "cgroup", "time"}
	for i, name := range links {
		t.Run(name, func(t *testing.T) {
			cmd := testkit.Command(t, "", "readlink", "/proc/self/ns/user", "/proc/self/ns/mnt",
				"/proc/self/ns/pid", "/proc/self/ns/net",
				"/proc/self/ns/uts", "/proc/self/ns/ipc", "/proc/self/ns/cgroup", "/proc/self/ns/time")
			more := initscript.Namespaces(1 << i)
			if more == initscript.NewPID {
				// The host's /proc does not know the processes of the new namespace by their pids there.
				cmd.Script = `C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE)) C.mount("proc", ` +
					`"/proc", "proc", 0, nil)`
				more |= initscript.NewMount
			}
			testkit.InUserNamespace(more)(cmd)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			for j, link := range strings.Fields(string(out)) {
				host, err := os.Readlink("/proc/self/ns/" + links[j])
				testkit.Must(t, err)
				isNew := (initscript.NewUser|more)&(1<<j) != 0
				if (link != host) != isNew {
					t.Errorf("%s: %s, the host's is %s", links[j], link, host)
				}
			}
		})
	}
}

// The program enters the time namespace, so the script can still set its clocks.
func TestTimeNamespaceOffsets(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	for _, more := range []initscript.Namespaces{0, initscript.NewPID} {
		cmd := testkit.Command(t, `write_all(C.open("/proc/self/timens_offsets", C.O_WRONLY), `+
			`"boottime 1000000000 0\n")`, "cat", "/proc/uptime")
		testkit.InUserNamespace(initscript.NewTime | more)(cmd)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var uptime float64
		if _, err := fmt.Sscan(string(out), &uptime); err != nil || uptime < 1e9 {
			t.Errorf("with %q: uptime %s (%v)", more, out, err)
		}
	}
}

func TestIDMaps(t *testing.T) {
	t.Run("own ids", func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		cmd := testkit.Command(t, "", "sh", "-c", "id -u; id -g; cat /proc/self/setgroups")
		cmd.Namespaces = initscript.NewUser
		cmd.UIDMap = []initscript.IDMap{{ContainerID: 4711, HostID: os.Geteuid(), Size: 1}}
		cmd.GIDMap = []initscript.IDMap{{ContainerID: 4712, HostID: os.Getegid(), Size: 1}}
		setgroups := "deny" // the kernel demands it of those without CAP_SETGID
		if os.Geteuid() == 0 {
			setgroups = "allow"
		}
		out, err := cmd.Output()
		if want := "4711\n4712\n" + setgroups + "\n"; err != nil || string(out) != want {
			t.Errorf("%q, %v; want %q", out, err, want)
		}
	})
	t.Run("several ranges", func(t *testing.T) {
		testkit.RequireRoot(t)
		testkit.RequireUserNamespaces(t)
		cmd := testkit.Command(t, "C.setgroups({7}) C.setresgid(5, 5, 5) C.setresuid(1001, 1001, 1001)",
			"sh", "-c", "cat /proc/self/uid_map; id -u; id -G")
		cmd.Namespaces = initscript.NewUser
		cmd.UIDMap = []initscript.IDMap{idMap(0, 100000, 1000), idMap(1000, 200000, 10)}
		cmd.GIDMap = []initscript.IDMap{idMap(0, 100000, 1000)}
		out, err := cmd.Output()
		if got, want := strings.Join(strings.Fields(string(out)),
			" "), "0 100000 1000 1000 200000 10 1001 5 7"; err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	})
	t.Run("group map only", func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		cmd := testkit.Command(t, "", "id", "-g")
		cmd.Namespaces = initscript.NewUser
		cmd.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
		if out, err := cmd.Output(); err != nil || string(out) != "0\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
	t.Run("none: the script's affair", func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		cmd := testkit.Command(t, "", "id", "-u")
		cmd.Namespaces = initscript.NewUser
		if out, err := cmd.Output(); err != nil || string(out) != "65534\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
}

func idMap(containerID, hostID, size int) initscript.IDMap {
	return initscript.IDMap{ContainerID: containerID, HostID: hostID, Size: size}
}
