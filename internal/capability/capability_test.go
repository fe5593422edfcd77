//go:build linux

package capability_test

import (
	"testing"

	"github.com/go-initscript/initscript/internal/capability"
	"golang.org/x/sys/unix"
)

func TestNames(t *testing.T) {
	names := capability.Names()
	if len(names) != unix.CAP_LAST_CAP+1 {
		t.Errorf("%d names, want %d", len(names), unix.CAP_LAST_CAP+1)
	}
	for number, want := range map[int]string{
		unix.CAP_CHOWN: "cap_chown", unix.CAP_SYS_ADMIN: "cap_sys_admin",
		unix.CAP_CHECKPOINT_RESTORE: "cap_checkpoint_restore",
	} {
		if names[number] != want || capability.Name(number) != want {
			t.Errorf("%d: %s and %s, want %s", number, names[number], capability.Name(number), want)
		}
	}
	if got := capability.Name(63); got != "63" {
		t.Errorf("63: %s", got)
	}
}
