package initscript_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/go-initscript/initscript"
)

func ExampleHint() {
	cmd := initscript.Command("/etc/passwd")
	err := cmd.Run()
	fmt.Println(err)
	if hint := initscript.Hint(err); hint != "" {
		fmt.Println("hint:", hint)
	}
	// Output:
	// exec /etc/passwd: permission denied (EACCES)
	// hint: the file is not executable (mode 0644): chmod +x
}

// The hint of a failed call knows what the script has done before.
func ExampleScriptError_hint() {
	cmd := initscript.Command("/bin/true")
	cmd.Script = `
		C.cap_set_proc("=")
		C.mount("tmpfs", "/tmp", "tmpfs", 0, nil)
	`
	var failed *initscript.ScriptError
	if err := cmd.Run(); !errors.As(err, &failed) {
		log.Fatal(err)
	}
	fmt.Println(failed.Hint)
	// Output: CAP_SYS_ADMIN is needed, and the script has given it up in line 2: call mount before that
}
