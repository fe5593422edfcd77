package generate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
)

// notInSys are the constants that golang.org/x/sys/unix lacks; the test has their values.
var notInSys = strings.Fields(`SECBIT_NOROOT
	SECBIT_NOROOT_LOCKED
	SECBIT_NO_SETUID_FIXUP
	SECBIT_NO_SETUID_FIXUP_LOCKED
	SECBIT_KEEP_CAPS
	SECBIT_KEEP_CAPS_LOCKED
	SECBIT_NO_CAP_AMBIENT_RAISE
	SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED
	FSCONFIG_CMD_CREATE_EXCL
	MOVE_MOUNT_BENEATH
	RESOLVE_CACHED
	RLIM_INFINITY`)

// constantValues is for a test: the values of constants from a source other than the headers that the
// table of scripts is made of.
func constantValues(blocks []definitions.Block) string {
	var source strings.Builder
	fmt.Fprintf(&source, `// %s

package scriptapi_test

import "golang.org/x/sys/unix"

var sysValues = map[string]int64{
`, notice)
	for _, block := range blocks {
		if !block.IsConstants() {
			continue
		}
		for _, field := range block.Fields {
			origin, _ := field.Origin()
			if definitions.System(origin) != "freebsd" && !slices.Contains(notInSys, field.Name) {
				fmt.Fprintf(&source, "%q: int64(unix.%[1]s),\n", field.Name)
			}
		}
	}
	return source.String() + "}\n"
}
