// Package tutorial_test tries the scripts of docs/guide/tutorial.md.
package tutorial_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/examples/internal/exampletest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

const (
	box       = initscript.NewMount | initscript.NewUTS
	processes = box | initscript.NewPID
	all       = processes | initscript.NewNet | initscript.NewIPC
)

// Each step is tried with what it is to allow and with what it is to prevent.
var steps = []struct {
	file       string
	namespaces initscript.Namespaces
	program    string // for sh
	output     string
}{
	{"step1.lua", 0, `echo the program`, "this is the script\nthe program\n"},
	{"step2.lua", initscript.NewUTS, `hostname; id -u`, "box\n0\n"},
	{"step3.lua", box, `hostname; ls -A /tmp; touch /tmp/x && ls /tmp`, "box\nx\n"},
	{"step4.lua", box, `hostname; ls /; ls -A /tmp; touch /tmp/x && ls /tmp
		touch /x || echo no; touch /usr/x || echo no; ls -d /proc/self || echo no`,
		"box\nbin\nlib\nlib64\nsbin\ntmp\nusr\nx\nno\nno\nno\n"},
	{
		"step5.lua",
		processes,
		`echo $$; ls /dev; echo x >/dev/null && echo yes; head -c 3 /dev/zero | wc -c
		touch /dev/x || echo no; (echo 1 >/proc/sys/vm/overcommit_memory) || echo no
		mount -t tmpfs tmpfs /tmp && echo mounted; ls -d /proc/[12]
		set -- /proc/[0-9]*; [ $# -lt 5 ] && echo few`,
		"2\nnull\nrandom\nurandom\nzero\nyes\n3\nno\nno\nmounted\n/proc/1\n/proc/2\nfew\n",
	},
	{
		"step6.lua",
		processes,
		`mount -t tmpfs tmpfs /tmp || echo no; umount /tmp || echo no; hostname x || echo no
		grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status | tr -s '\t0' ' 0'
		unshare --user true && echo yes`,
		"no\nno\nno\nCapInh: 0\nCapPrm: 0\nCapEff: 0\nCapBnd: 0\nCapAmb: 0\nNoNewPrivs: 1\nyes\n",
	},
	{"step7.lua", all, `unshare --user true || echo no; (echo in a subshell); cut -d: -f1 -s ` +
		`/proc/net/dev; touch /tmp/x && echo yes`,
		"no\nin a subshell\n    lo\nyes\n"},
}

func TestSteps(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		for _, step := range steps {
			t.Run(step.file, func(t *testing.T) {
				cmd := newStep(t, step.file, step.program)
				cmd.Namespaces = step.namespaces
				if step.namespaces != 0 {
					exampletest.MapToRoot(cmd)
				}
				if step.file == "step7.lua" {
					cmd.Arg = compiledPolicy(t)
				}
				var stderr strings.Builder
				cmd.Stderr = &stderr
				// What the last command of sh ends with is not looked at.
				out, err := cmd.Output()
				var exit *initscript.ExitError
				if (err != nil && !errors.As(err, &exit)) || string(out) != step.output {
					t.Errorf("output %q, want %q: %v\n%s", out, step.output, err, stderr.String())
				}
			})
		}
	})
}

func newStep(t *testing.T, file, program string) *initscript.Cmd {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cmd := initscript.CommandContext(exampletest.Context(t), "sh", "-c", program)
	cmd.Script, cmd.ScriptName = string(script), file
	cmd.Env = []string{"PATH=" + exampletest.SearchPath}
	return cmd
}

// compiledPolicy is what --arg-file opens in the tutorial.
func compiledPolicy(t *testing.T) *os.File {
	t.Helper()
	text, err := os.ReadFile("policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := seccomp.ParsePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	filter, err := policy.Compile()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(t.TempDir(), "policy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.Write(filter); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	return file
}

var shownScript = regexp.MustCompile("(?s)\n```lua\n-- (\\w+\\.lua)\n(.*?)```\n")

// The page shows short scripts as they are, but for the comment at their top.
func TestPageShowsTheScripts(t *testing.T) {
	page, err := os.ReadFile("../../docs/guide/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := shownScript.FindAllStringSubmatch(string(page), -1)
	if len(shown) != 3 {
		t.Fatalf("%d scripts", len(shown))
	}
	for _, match := range shown {
		script, err := os.ReadFile(match[1])
		if err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(string(script), "\n\n")
		if code != match[2] {
			t.Errorf("%s: the page has\n%sthe file\n%s", match[1], match[2], code)
		}
	}
	for _, step := range steps {
		if !strings.Contains(string(page), step.file) {
			t.Errorf("the page does not name %s", step.file)
		}
	}
}

const keyMarker = "INITSCRIPT_TEST_KEY"

// TestMain lets this program be what a test runs in the box.
func TestMain(m *testing.M) {
	if os.Getenv(keyMarker) == "" {
		os.Exit(m.Run())
	}
	_, err := unix.KeyctlSearch(unix.KEY_SPEC_SESSION_KEYRING, "user", exampletest.KeyDescription, 0)
	fmt.Println(err)
}

// The host has a key in its session keyring. Both the script and the policy keep the box from it.
func TestLastStepLeavesKeyrings(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		exampletest.AddHostKey(t)
		program, err := os.Open("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		for _, test := range []struct{ without, want string }{
			{"", unix.ENOSYS.Error()},
			{"leave_keyrings()\n", unix.ENOSYS.Error()},
			{"filter_system_calls()\n", unix.ENOKEY.Error()},
			{"leave_keyrings()\nfilter_system_calls()\n", "<nil>"},
		} {
			cmd := newStep(t, "step7.lua", "")
			cmd.Namespaces = all
			exampletest.MapToRoot(cmd)
			cmd.Arg, cmd.ExtraFiles = compiledPolicy(t), []*os.File{program}
			cmd.Script = strings.Replace(cmd.Script, "\n"+test.without, "\n", 1) +
				`C.fexecve(5, { "probe" }, { ` + keyMarker + ` = "1" })`
			out, err := cmd.Output()
			if err != nil || string(out) != test.want+"\n" {
				t.Errorf("without %q: %q, %v, want %v", test.without, out, err, test.want)
			}
		}
	})
}
