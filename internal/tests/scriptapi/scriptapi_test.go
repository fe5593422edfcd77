// Package scriptapi has the tests of what a script can call, and of how it begins and ends. Most are
// cases in testdata, a file for each family; the format is described at testkit.CaseFile.
package scriptapi_test

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestLifecycle(t *testing.T) { run(t, "lifecycle") }
func TestErrexit(t *testing.T)   { run(t, "errexit") }
func TestTable(t *testing.T)     { run(t, "table") }
func TestCoercion(t *testing.T)  { run(t, "coercion") }

func TestAPIIO(t *testing.T)           { run(t, "io") }
func TestAPIFiles(t *testing.T)        { run(t, "file") }
func TestAPIMounts(t *testing.T)       { run(t, "mount") }
func TestAPIProcess(t *testing.T)      { run(t, "process") }
func TestAPIExec(t *testing.T)         { run(t, "exec") }
func TestAPICredentials(t *testing.T)  { run(t, "credentials") }
func TestAPICapabilities(t *testing.T) { run(t, "capabilities") }
func TestAPISeccomp(t *testing.T)      { run(t, "seccomp") }
func TestAPIHelpers(t *testing.T)      { run(t, "helpers") }

func TestExtensionFiles(t *testing.T)       { run(t, "file_extensions") }
func TestExtensionDescriptors(t *testing.T) { run(t, "descriptor_extensions") }
func TestExtensionResources(t *testing.T)   { run(t, "resource_extensions") }
func TestExtensionProcess(t *testing.T)     { run(t, "process_extensions") }
func TestExtensionSeccomp(t *testing.T)     { run(t, "seccomp_extensions") }
func TestExtensionKeyrings(t *testing.T)    { run(t, "keyring_extensions") }
func TestExtensionRefusals(t *testing.T)    { run(t, "refusals") }

// What has nothing to do with newer calls works on every kernel.
func TestOlderKernels(t *testing.T) {
	testkit.RunOnOlderKernels(t, testkit.CoreTests{
		Tests: []func(*testing.T){
			TestIDMapHandshake, TestLifecycle, TestErrexit, TestTable, TestAPIIO, TestAPIExec,
			TestAPIHelpers, TestAPIProcess, TestAPISeccomp, TestConstants, TestNames,
		},
		NoNewPrivs: "^TestAPISeccomp$/no_new_privs",
	})
}

// Arguments are checked where there is no Landlock, too.
func TestAPILandlock(t *testing.T) {
	file := load(t, "landlock")
	testkit.RunRaises(t, file.Raises)
	testkit.RequireLandlock(t)
	testkit.RunCases(t, file.Cases)
	testkit.RunFailures(t, file.Failures)
}

func TestExtensionLandlock(t *testing.T) {
	file := load(t, "landlock_extensions")
	testkit.RunRaises(t, file.Raises)
	testkit.RunCases(t, file.Cases)
	testkit.RequireLandlockABI(t, 4)
	testkit.RunFailures(t, file.Failures)
}

func load(t *testing.T, family string) *testkit.CaseFile {
	t.Helper()
	file, err := testkit.LoadCases("testdata/"+family+".txtar", hooks)
	testkit.Must(t, err)
	return file
}

func run(t *testing.T, family string) {
	t.Helper()
	load(t, family).Run(t)
}

// hooks are what a section "with" can name.
var hooks = map[string]testkit.Hook{
	"abstract-listener":      abstractListener,
	"broken-stdout":          brokenStdout,
	"broken-stderr":          brokenStderr,
	"empty-script":           emptyScript,
	"env":                    env,
	"memory-limit":           memoryLimit,
	"needs-cap-sys-resource": needsCapSysResource,
	"needs-keyrings":         needsKeyrings,
	"needs-landlock":         needsLandlock,
	"needs-mdwe":             needsMDWE,
	"needs-setcontext":       needsSetcontext,
	"needs-user-namespaces":  needsUserNamespaces,
	"script-name":            scriptName,
	"sealable-file":          sealableFile,
	"without-arg":            withoutArg,
}

func brokenStdout(t *testing.T, cmd *initscript.Cmd, _ []string)  { cmd.Stdout = brokenPipe(t) }
func brokenStderr(t *testing.T, cmd *initscript.Cmd, _ []string)  { cmd.Stderr = brokenPipe(t) }
func emptyScript(_ *testing.T, cmd *initscript.Cmd, _ []string)   { cmd.Script = "" }
func env(_ *testing.T, cmd *initscript.Cmd, args []string)        { cmd.Env = args }
func scriptName(_ *testing.T, cmd *initscript.Cmd, args []string) { cmd.ScriptName = args[0] }
func withoutArg(_ *testing.T, cmd *initscript.Cmd, _ []string)    { cmd.Arg = nil }
func needsKeyrings(t *testing.T, _ *initscript.Cmd, _ []string)   { testkit.RequireKeyrings(t) }
func needsUserNamespaces(t *testing.T, _ *initscript.Cmd, _ []string) {
	testkit.RequireUserNamespaces(t)
}

// abstractListener listens at an abstract address.
func abstractListener(t *testing.T, _ *initscript.Cmd, _ []string) {
	listener, err := net.Listen("unix", fmt.Sprintf("@initscript-test-%d", os.Getpid()))
	testkit.Must(t, err)
	t.Cleanup(func() { listener.Close() })
}

// brokenPipe returns the end to write to of a pipe that nobody reads.
func brokenPipe(t *testing.T) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	testkit.Must(t, err)
	reader.Close()
	t.Cleanup(func() { writer.Close() })
	return writer
}

// memoryLimit is "memory-limit N MiB".
func memoryLimit(t *testing.T, cmd *initscript.Cmd, args []string) {
	if len(args) != 2 || args[1] != "MiB" {
		t.Fatalf("memory-limit %v", args)
	}
	size, err := strconv.ParseInt(args[0], 10, 32)
	testkit.Must(t, err)
	cmd.MemoryLimit = size << 20
}

func needsCapSysResource(t *testing.T, _ *initscript.Cmd, _ []string) {
	has, err := cap.GetProc().GetFlag(cap.Effective, cap.SYS_RESOURCE)
	testkit.Must(t, err)
	if !has {
		t.Skip("needs CAP_SYS_RESOURCE")
	}
}

// needsLandlock is "needs-landlock ABI".
func needsLandlock(t *testing.T, _ *initscript.Cmd, args []string) {
	abi, err := strconv.Atoi(args[0])
	testkit.Must(t, err)
	testkit.RequireLandlockABI(t, abi)
}

func needsMDWE(t *testing.T, _ *initscript.Cmd, _ []string) {
	if err := unix.Prctl(unix.PR_GET_MDWE, 0, 0, 0, 0); err == unix.EINVAL {
		t.Skip("needs PR_SET_MDWE (Linux 6.3)")
	}
}

// needsSetcontext skips where the C library cannot continue a thread in a context of its own making.
func needsSetcontext(t *testing.T, _ *initscript.Cmd, _ []string) {
	r := testkit.RunScript(t, `local ffi = require 'ffi'
		ffi.cdef 'int setcontext(const void *);'
		S((pcall(function() return ffi.C.setcontext end)))`)
	if !slices.Equal(r.Sent, []string{"true"}) {
		t.Skipf("needs setcontext(3): %+v", r)
	}
}

// sealableFile gives the script a file that can be sealed, as 5.
func sealableFile(t *testing.T, cmd *initscript.Cmd, _ []string) {
	fd, err := unix.MemfdCreate("sealable", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	testkit.Must(t, err)
	file := os.NewFile(uintptr(fd), "sealable")
	t.Cleanup(func() { file.Close() })
	cmd.ExtraFiles = []*os.File{file}
}
