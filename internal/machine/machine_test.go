//go:build linux

package machine_test

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/go-initscript/initscript/internal/capability"
	"github.com/go-initscript/initscript/internal/machine"
	"github.com/go-initscript/initscript/internal/machine/machinetest"
	"golang.org/x/sys/unix"
)

func TestMaps(t *testing.T) {
	ranges := []machine.IDRange{{ID: 0, ParentID: 1000, Count: 1}, {ID: 1, ParentID: 100000, Count: 10},
		{ID: 20, ParentID: 5, Count: 1}}
	for _, test := range []struct {
		first, size int64
		want        bool
	}{{0, 1, true}, {0, 11, true}, {0, 12, false}, {5, 6, true}, {11, 1, false}, {20, 1, true}, {20, 2,
		false}} {
		if got := machine.Maps(ranges, test.first, test.size); got != test.want {
			t.Errorf("%d+%d: %v", test.first, test.size, got)
		}
	}
}

func TestReadIDMap(t *testing.T) {
	machinetest.Files{"/proc/self/uid_map": "  0  1000  1\n 1 100000 65536\n",
		"/proc/self/gid_map": ""}.Use(t)
	if got, want := machine.ReadIDMap("uid_map"), []machine.IDRange{{ID: 0, ParentID: 1000, Count: 1},
		{ID: 1, ParentID: 100000, Count: 65536}}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := machine.ReadIDMap("gid_map"); got != nil {
		t.Errorf("%v of a map without ids", got)
	}
	if machine.InInitialUserNamespace() {
		t.Error("taken for the initial user namespace")
	}
	machinetest.Files{"/proc/self/uid_map": machinetest.AllIDs}.Use(t)
	if !machine.InInitialUserNamespace() {
		t.Error("not taken for the initial user namespace")
	}
	machinetest.Files{}.Use(t)
	if got := machine.ReadIDMap("uid_map"); got != nil || machine.InInitialUserNamespace() ||
		machine.ReadMounts() != nil {
		t.Errorf("%v is known without /proc", got)
	}
}

func TestProcMasks(t *testing.T) {
	const whole = "30 1 0:5 / /proc rw,nosuid - proc proc rw\n"
	for _, test := range []struct {
		name, mounts string
		want         []string
	}{
		{"complete", whole, nil},
		{"automatic", whole + "31 30 0:9 / /proc/sys/fs/binfmt_misc rw shared:7 - autofs " +
			"systemd-1 rw\n", nil},
		{"masked", whole + "31 30 0:9 / /proc/kcore rw - tmpfs tmpfs rw\n32 30 0:5 /sys /proc/sys " +
			"ro - proc proc rw\n", []string{"/proc/kcore", "/proc/sys"}},
		{"read-only", "30 1 0:5 / /proc ro,nosuid - proc proc rw\n", []string{"/proc (read-only)"}},
		{"a part", "30 1 0:5 /self /proc rw - proc proc rw\n", []string{"/proc (a part of " +
			"another one)"}},
		{"space in a path", whole + `31 30 0:9 / /proc/a\040b rw - tmpfs x rw` + "\n",
			[]string{"/proc/a b"}},
		{"nonsense", "x\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			machinetest.Files{"/proc/self/mountinfo": test.mounts}.Use(t)
			if got := machine.ProcMasks(machine.ReadMounts()); !slices.Equal(got, test.want) {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestSubIDRanges(t *testing.T) {
	id := strconv.Itoa(os.Getuid())
	machinetest.Files{
		"/etc/subuid": "somebody:1:2\n" + id + ":100000:65536\nbroken\n" + id + ":300000:5\n",
	}.Use(
		t,
	)
	if got, want := machine.SubIDRanges("uid_map"), []string{"100000:65536",
		"300000:5"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := machine.SubIDRanges("gid_map"); len(got) != 0 {
		t.Errorf("%q without a file", got)
	}
}

func TestCapabilityNames(t *testing.T) {
	machinetest.Files{"/proc/sys/kernel/cap_last_cap": "40\n"}.Use(t)
	for set, want := range map[uint64]string{
		0:                                 "none",
		1<<41 - 1:                         "all",
		1<<63 | 1<<41 - 1:                 "all",
		1<<41 - 1 - 1<<unix.CAP_SYS_ADMIN: "all but sys_admin",
		1<<unix.CAP_CHOWN | 1<<unix.CAP_CHECKPOINT_RESTORE: "chown,checkpoint_restore",
	} {
		if got := machine.CapabilityNames(set, capability.Name); got != want {
			t.Errorf("%x: %s, want %s", set, got, want)
		}
	}
}
