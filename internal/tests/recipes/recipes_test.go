// Package recipes has the tests of the recipes of docs/guide/cookbook.md: that each does what it
// promises, and what programs can no longer do behind it.
package recipes_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/seccomptest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/lua"
	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// recipe returns the text of a recipe. changes are lines of it and what stands in their place.
func recipe(t *testing.T, name string, changes ...string) string {
	t.Helper()
	bytes, err := lua.Recipes.ReadFile("recipes/" + name + ".lua")
	testkit.Must(t, err)
	text := string(bytes)
	for change := range slices.Chunk(changes, 2) {
		if strings.Count(text, "\n"+change[0]+"\n") != 1 {
			t.Fatalf("%s has not exactly one line %q", name, change[0])
		}
		text = strings.Replace(text, "\n"+change[0]+"\n", "\n"+change[1]+"\n", 1)
	}
	return text
}

// eachUser runs a test as root and as an ordinary user. Root does the latter in a process of its
// own.
func eachUser(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Run("root", func(t *testing.T) {
		testkit.RequireRoot(t)
		test(t)
	})
	t.Run("ordinary user", func(t *testing.T) {
		attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: testkit.OrdinaryID,
			Gid: testkit.OrdinaryID}}
		if os.Geteuid() != 0 || testkit.RunInSubprocess(t, attr) {
			test(t)
		}
	})
}

// site is what the attempts are about: files and sockets of the test.
type site struct {
	directory string
	variables []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	directory := openSite(t)
	for _, name := range []string{"host", "private", "readable", "work"} {
		testkit.Must(t, os.Mkdir(filepath.Join(directory, name), 0o755))
	}
	for name, mode := range map[string]os.FileMode{
		"host/file": 0o644, "host/removed": 0o644, "host/program": 0o755, "private/file": 0o644,
		"readable/file": 0o644, "secret": 0o600,
	} {
		testkit.Must(t, os.WriteFile(filepath.Join(directory, name), []byte(scriptOfNothing), mode))
	}
	if os.Geteuid() == 0 {
		testkit.Must(t, unix.Mknod(filepath.Join(directory, "host/null"), unix.S_IFCHR|0o666,
			int(unix.Mkdev(1, 3))))
	}
	s := &site{directory, []string{
		directoryVariable + "=" + directory,
		pidVariable + "=" + fmt.Sprint(os.Getpid()),
		uidVariable + "=" + fmt.Sprint(os.Getuid()),
	}}
	s.listen(t, tcpVariable, "tcp", "127.0.0.1:0")
	s.listen(t, fileVariable, "unix", directory+"/socket")
	s.listen(t, abstractVariable, "unix", fmt.Sprintf("@%s", directory))
	return s
}

// openSite makes a directory that every user can enter, unlike those of t.TempDir.
func openSite(t *testing.T) string {
	t.Helper()
	directory, err := os.MkdirTemp("", "initscript-recipe")
	testkit.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(directory) })
	testkit.Must(t, os.Chmod(directory, 0o755))
	return directory
}

func (s *site) listen(t *testing.T, variable, network, address string) {
	t.Helper()
	listener, err := net.Listen(network, address)
	testkit.Must(t, err)
	t.Cleanup(func() { listener.Close() })
	s.variables = append(s.variables, variable+"="+listener.Addr().String())
}

// try makes the attempts of a list behind a script.
func (s *site) try(t *testing.T, list, script string,
	options ...func(*initscript.Cmd)) map[string]string {
	t.Helper()
	cmd := testkit.Command(t, script, "/proc/self/exe")
	cmd.Dir = s.directory
	for _, option := range options {
		option(cmd)
	}
	return probe(t, cmd, list, s.variables...)
}

// tryFree makes those attempts that shall end otherwise without a recipe, there. It needs a site of
// its own: they leave traces.
func tryFree(t *testing.T, list string, options ...func(*initscript.Cmd)) map[string]string {
	t.Helper()
	s := newSite(t)
	s.variables = append(s.variables, freeVariable+"=1")
	return s.try(t, list, "", append([]func(*initscript.Cmd){in(s.directory, "host")}, options...)...)
}

func in(path ...string) func(*initscript.Cmd) {
	return func(cmd *initscript.Cmd) { cmd.Dir = filepath.Join(path...) }
}

// withFile passes a file to the program, as descriptor 3.
func withFile(t *testing.T, path string, flags int) func(*initscript.Cmd) {
	t.Helper()
	file, err := os.OpenFile(path, flags, 0)
	testkit.Must(t, err)
	t.Cleanup(func() { file.Close() })
	return func(cmd *initscript.Cmd) { cmd.ExtraFiles = []*os.File{file} }
}

// shell runs commands of the shell behind a script.
func shell(t *testing.T, script, commands string, options ...func(*initscript.Cmd)) (string, error) {
	t.Helper()
	cmd := testkit.Command(t, script, "/bin/sh", "-c", commands)
	cmd.Dir = "/"
	for _, option := range options {
		option(cmd)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func checkShell(t *testing.T, script, commands, want string, options ...func(*initscript.Cmd)) {
	t.Helper()
	if out, err := shell(t, script, commands, options...); err != nil || out != want {
		t.Errorf("output %q, error %v; want %q", out, err, want)
	}
}

// checkRefusal has a script fail, with the text in its error, so that the program does not run.
func checkRefusal(t *testing.T, script, text string, options ...func(*initscript.Cmd)) {
	t.Helper()
	out, err := shell(t, script, "echo the program runs", options...)
	var scriptError *initscript.ScriptError
	if !errors.As(err, &scriptError) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one of the script with %q", err, text)
	}
	if strings.Contains(out, "the program runs") {
		t.Error("the program runs")
	}
}

// Every recipe is in the cookbook and says what it needs of us that Emilua does not have.
func TestRecipesAreDocumented(t *testing.T) {
	cookbook, err := os.ReadFile("../../../docs/guide/cookbook.md")
	testkit.Must(t, err)
	entries, err := lua.Recipes.ReadDir("recipes")
	testkit.Must(t, err)
	extensions, newer := namesOf(t, "extension"), namesOf(t, "newer Emilua")
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			text := recipe(t, strings.TrimSuffix(entry.Name(), ".lua"))
			head, _, _ := strings.Cut(text, "\n\n")
			for _, command := range []string{"initscript run ", "lua/recipes/" + entry.Name() + " "} {
				if !strings.Contains(head, command) || !strings.Contains(string(cookbook), command) {
					t.Errorf("the command line, with %q, must be in the comment at the top and in the "+
						"cookbook", command)
				}
			}
			var needsExtension, needsNewer bool
			words := regexp.MustCompile(`\b(?:C\.)?(\w+)\b`)
			for _, match := range words.FindAllStringSubmatch(withoutComments(text), -1) {
				needsExtension = needsExtension || strings.HasPrefix(match[0], "C.") &&
					slices.Contains(extensions, match[1])
				needsNewer = needsNewer || strings.HasPrefix(match[0], "C.") &&
					slices.Contains(newer, match[1])
			}
			if says := strings.Contains(head, "Beyond Emilua: "); needsExtension && !says {
				t.Error(`it needs extensions and does not say "Beyond Emilua: "`)
			}
			if says := strings.Contains(head, "Emilua runs this script too.\n"); says &&
				(needsExtension || needsNewer) {
				t.Error("it says that Emilua runs it, and not in which releases")
			}
		})
	}
}

func withoutComments(script string) string {
	return regexp.MustCompile(`--[^\n]*`).ReplaceAllString(script, "")
}

// namesOf returns the functions and constants of an origin.
func namesOf(t *testing.T, origin string) []string {
	t.Helper()
	blocks, err := definitions.Parse(lua.Definitions)
	testkit.Must(t, err)
	var list []string
	for _, block := range blocks {
		name, inC := strings.CutPrefix(block.Name, "C.")
		if from, _, _ := strings.Cut(block.Origin(), ","); inC && from == origin {
			list = append(list, name)
		}
		if !block.IsConstants() {
			continue
		}
		for _, field := range block.Fields {
			constantOrigin, _ := field.Origin()
			if from, _, _ := strings.Cut(constantOrigin, ","); from == origin {
				list = append(list, field.Name)
			}
		}
	}
	return list
}

func TestRecipeNoNetwork(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		network := withFile(t, "/proc/self/ns/net", os.O_RDONLY)
		confined := newSite(t).try(t, "no-network", recipe(t, "no-network"), network)
		checkAttempts(t, "no-network", confined, tryFree(t, "no-network", network))
	})
}

func TestRecipePrivateNetwork(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		network := withFile(t, "/proc/self/ns/net", os.O_RDONLY)
		confined := newSite(t).try(t, "private-network", recipe(t, "private-network"), network)
		checkAttempts(t, "private-network", confined, tryFree(t, "private-network", network))
	})
}

func TestRecipeReadOnlyHost(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		s := newSite(t)
		script := recipe(t, "read-only-host", defaultPrivate,
			`local PRIVATE = { "`+s.directory+`/private", "/does/not/exist" }`)
		confined := s.try(t, "read-only-host", script, in(s.directory, "host"))
		checkAttempts(t, "read-only-host", confined, tryFree(t, "read-only-host"))
		entries, err := os.ReadDir(s.directory + "/private")
		if err != nil || len(entries) != 1 {
			t.Errorf("the private directory has %v, %v for the host", entries, err)
		}
	})
}

const defaultPrivate = `local PRIVATE = { "/tmp", "/var/tmp", "/dev/shm" }`

func TestRecipeReadOnlyHostPrivateDirectories(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		name := fmt.Sprintf("initscript-test-%d", os.Getpid())
		checkShell(t, recipe(t, "read-only-host"),
			`exec 2>/dev/null; for d in /tmp /var/tmp /dev/shm; do >$d/`+name+` && ls -A $d; done; `+
				`mkdir /`+name+` || echo refused; pwd`,
			strings.Repeat(name+"\n", 3)+"refused\n/\n")
		for _, directory := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
			if _, err := os.Lstat(directory + "/" + name); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("in %s of the host: %v", directory, err)
			}
		}
	})
}

// The old directory would be a way past the private one.
func TestRecipeReadOnlyHostBelowPrivateDirectory(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		s := newSite(t)
		script := recipe(t, "read-only-host", defaultPrivate, `local PRIVATE = { "`+s.directory+`" }`)
		checkRefusal(t, script, "chdir", in(s.directory, "work"))
	})
}

func TestRecipeReadOnlyHostWritableDirectory(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		s := newSite(t)
		script := recipe(t, "read-only-host", defaultPrivate, `local PRIVATE = {}`,
			`local WRITABLE = {}`, `local WRITABLE = { "`+s.directory+`/work" }`)
		commands := `exec 2>/dev/null; echo content >here; mkdir ` + s.directory +
			`/work/there && ls; mkdir ../beside || echo refused`
		if os.Geteuid() == 0 {
			testkit.Must(t, unix.Mknod(s.directory+"/work/null", unix.S_IFCHR|0o666,
				int(unix.Mkdev(1, 3))))
			commands = `rm null; mknod null c 1 3 2>&1 | grep -o 'not permitted'; ` + commands
			checkShell(t, script, commands, "not permitted\nhere\nthere\nrefused\n",
				in(s.directory, "work"))
		} else {
			checkShell(t, script, commands, "here\nthere\nrefused\n", in(s.directory, "work"))
		}
		content, err := os.ReadFile(s.directory + "/work/here")
		if err != nil || string(content) != "content\n" {
			t.Errorf("for the host the file contains %q, %v", content, err)
		}
		checkRefusal(t, recipe(t, "read-only-host", `local WRITABLE = {}`,
			`local WRITABLE = { "/does/not/exist" }`), "open_tree")
	})
}

func TestRecipeLandlockJail(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireLandlockABI(t, jailABI)
		s := newSite(t)
		work := in(s.directory, "work")
		open := withFile(t, s.directory+"/host/file", os.O_WRONLY)
		confined := s.try(t, "landlock-jail", jail(t, s), work, open, fromMemory(t))
		checkAttempts(t, "landlock-jail", confined, tryFree(t, "landlock-jail", open))
	})
}

const (
	jailABI         = 6
	defaultRead     = `local READ = { "/etc" }`
	defaultJailABI  = `local REQUIRED_ABI = 6`
	landlockNewest  = 10 // of the recipe's rights
	landlockClaimed = `local real = C.landlock_create_ruleset ` +
		`C.landlock_create_ruleset = function(attr, flags) if flags then return %d, 0 end return ` +
		`real(attr) end `
)

// fromMemory executes a copy of the probe in memory, which no rule about files applies to.
func fromMemory(t *testing.T) func(*initscript.Cmd) {
	t.Helper()
	program, err := os.ReadFile("/proc/self/exe")
	testkit.Must(t, err)
	fd, err := unix.MemfdCreate("probe", unix.MFD_CLOEXEC)
	testkit.Must(t, err)
	memfd := os.NewFile(uintptr(fd), "probe")
	t.Cleanup(func() { memfd.Close() })
	_, err = memfd.Write(program)
	testkit.Must(t, err)
	return func(cmd *initscript.Cmd) {
		cmd.Path = fmt.Sprintf("/proc/self/fd/%d", 3+len(cmd.ExtraFiles))
		cmd.ExtraFiles = append(cmd.ExtraFiles, memfd)
	}
}

func jail(t *testing.T, s *site, changes ...string) string {
	t.Helper()
	return recipe(t, "landlock-jail", append(changes, defaultRead,
		`local READ = { "/etc", "`+s.directory+`/readable/file" }`)...)
}

// On every kernel the jail has what Landlock has there, and says what is missing.
func TestRecipeLandlockJailOnOlderKernels(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireLandlockABI(t, 1)
		for abi := 1; abi <= testkit.LandlockABI(); abi++ {
			t.Run(fmt.Sprintf("ABI %d", abi), func(t *testing.T) {
				s := newSite(t)
				claim := fmt.Sprintf(landlockClaimed, abi)
				script := jail(t, s, defaultJailABI, fmt.Sprintf(`local REQUIRED_ABI = %d`, abi))
				cmd := testkit.Command(t, claim+script, "/bin/sh", "-c",
					`exec 2>/dev/null; echo x >here && cat here; echo x >../host/new || echo refused`)
				cmd.Dir = s.directory + "/work"
				var stderr strings.Builder
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil || string(out) != "x\nrefused\n" {
					t.Errorf("%q, %v", out, err)
				}
				if missing := strings.Contains(stderr.String(),
					"cannot refuse: "); missing != (abi < landlockNewest) {
					t.Errorf("stderr: %q", stderr.String())
				}
				for right, since := range map[string]int{"refer": 2, "truncate": 3, "connect_tcp": 4,
					"ioctl_dev": 5, "signal": 6, "resolve_unix": 9, "bind_udp": 10} {
					if missing := strings.Contains(stderr.String(), right); missing != (abi < since) {
						t.Errorf("%s in %q", right, stderr.String())
					}
				}
				script = jail(t, s, defaultJailABI, fmt.Sprintf(`local REQUIRED_ABI = %d`, abi+1))
				checkRefusal(t, claim+script,
					fmt.Sprintf("Landlock ABI %d is needed, the kernel has %d", abi+1, abi))
			})
		}
		if testkit.LandlockABI() < landlockNewest {
			checkRefusal(t, fmt.Sprintf(landlockClaimed, 99)+recipe(t, "landlock-jail"),
				"landlock_create_ruleset")
		}
		checkRefusal(t, recipe(t, "landlock-jail", defaultJailABI, `local REQUIRED_ABI = 1`,
			defaultRead, `local READ = { "/does/not/exist" }`), "/does/not/exist")
	})
}

// filterOfAllowList returns the filter that the recipe makes on an architecture, in LuaJIT's words.
func filterOfAllowList(t *testing.T, luaArch string) []byte {
	t.Helper()
	script := fmt.Sprintf(`jit.arch = %q
		C.seccomp_set_mode_filter = function(filter) C.write(1, filter) end
	`, luaArch) + recipe(t, "seccomp-allow-list")
	out, err := testkit.Command(t, script).Output()
	testkit.Must(t, err)
	return out
}

// The names and numbers of the recipe are those of the kernel, and its filter has the right verdict
// on every number of every architecture.
func TestRecipeSeccompAllowListVerdicts(t *testing.T) {
	row := regexp.MustCompile(`(?m)^    \{ "(\w+)", (\d+), (\d+|nil)(, .*)? \},`)
	for luaArch, test := range map[string]struct {
		goarch string
		column int
	}{"x64": {"amd64", 2}, "arm64": {"arm64", 3}} {
		t.Run(luaArch, func(t *testing.T) {
			info := seccomptest.Archs[test.goarch]
			vm := seccomptest.Load(t, filterOfAllowList(t, luaArch))
			allowed := make(map[uint32]string)
			for _, match := range row.FindAllStringSubmatch(recipe(t, "seccomp-allow-list"), -1) {
				name, number := match[1], match[test.column]
				if name == "newfstatat" && test.goarch == "arm64" {
					name = "fstatat" // as the table calls it
				}
				want, exists := info.SyscallNames[name]
				if exists && fmt.Sprint(want) != number || !exists && number != "nil" {
					t.Errorf("%s has the number %s, want %d", name, number, want)
				}
				if exists && match[4] == "" {
					allowed[uint32(want)] = name
				}
			}
			if len(allowed) < 40 {
				t.Fatalf("only %d rows were found", len(allowed))
			}
			numbers := []uint32{9999, seccomptest.X32, seccomptest.X32 + 1, 0x7fffffff, 0x80000000,
				0xffffffff}
			for number := range uint32(2000) {
				numbers = append(numbers, number, seccomptest.X32+number)
			}
			for _, number := range numbers {
				want := unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
				if _, ok := allowed[number]; ok {
					want = unix.SECCOMP_RET_ALLOW
				} else if number >= 424 {
					want = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
				}
				data := seccomptest.Data{Number: number, Arch: uint32(info.ID),
					Args: [6]uint64{^uint64(0), ^uint64(0), ^uint64(0)}}
				if got := vm.Verdict(t, data); got != want {
					t.Errorf("%s(%d): verdict %#x, want %#x", info.SyscallNumbers[int(number)], number,
						got, want)
				}
				for name, other := range seccomptest.Archs {
					data.Arch = uint32(other.ID)
					if got := vm.Verdict(t, data); name != test.goarch &&
						got != unix.SECCOMP_RET_KILL_PROCESS {
						t.Errorf("%d of %s: verdict %#x", number, name, got)
					}
				}
			}
		})
	}
}

func TestRecipeSeccompAllowListConditions(t *testing.T) {
	info := seccomptest.Archs["amd64"]
	vm := seccomptest.Load(t, filterOfAllowList(t, "x64"))
	const upperHalf = 0x5_0000_0000
	for _, test := range []struct {
		name    string
		arg     int
		value   uint64
		allowed bool
	}{
		{"openat", 2, unix.O_RDONLY, true},
		{"openat", 2, unix.O_RDONLY | unix.O_CLOEXEC | unix.O_DIRECTORY | unix.O_NOFOLLOW, true},
		{"openat", 2, unix.O_PATH, true},
		{"openat", 2, upperHalf | unix.O_RDONLY, true},
		{"openat", 2, upperHalf | unix.O_WRONLY, false},
		{"openat", 2, unix.O_WRONLY, false},
		{"openat", 2, unix.O_RDWR, false},
		{"openat", 2, unix.O_RDWR | unix.O_WRONLY, false},
		{"openat", 2, unix.O_CREAT, false},
		{"openat", 2, unix.O_TRUNC, false},
		{"openat", 2, unix.O_WRONLY | unix.O_TMPFILE, false},
		{"open", 1, unix.O_RDONLY, true},
		{"open", 1, unix.O_WRONLY, false},
		{"open", 1, unix.O_CREAT, false},
		{"ioctl", 1, unix.TCGETS, true},
		{"ioctl", 1, upperHalf | unix.TCGETS, true},
		{"ioctl", 1, unix.TIOCSTI, false},
		{"ioctl", 1, upperHalf | unix.TIOCSTI, false},
		{"ioctl", 1, 0, false},
	} {
		data := seccomptest.Data{Number: uint32(info.SyscallNames[test.name]), Arch: uint32(info.ID)}
		data.Args[test.arg] = test.value
		want := unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		if test.allowed {
			want = unix.SECCOMP_RET_ALLOW
		}
		if got := vm.Verdict(t, data); got != want {
			t.Errorf("%s with %#x: verdict %#x, want %#x", test.name, test.value, got, want)
		}
	}
}

// requireAllowList skips where the recipe has no numbers, and needs a filter through arg.
func requireAllowList(t *testing.T) {
	t.Helper()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the recipe has no system call numbers for " + runtime.GOARCH)
	}
}

func TestRecipeSeccompAllowList(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		requireAllowList(t)
		s := newSite(t)
		script := recipe(t, "seccomp-allow-list")
		for _, test := range []struct {
			program []string
			want    string
			fails   bool
		}{
			{[]string{"cat", "file"}, scriptOfNothing, false},
			{[]string{"sort", "file"}, "#!/bin/sh\nexit 0\n", false},
			{[]string{"grep", "-c", "exit", "file"}, "1\n", false},
			{[]string{"sh", "-c", "read -r line < file && echo $line"}, "#!/bin/sh\n", false},
			{[]string{"sh", "-c", "exec cat file"}, scriptOfNothing, false}, // still in the filter
			{[]string{"sh", "-c", "exec touch new"}, "", true},
			{[]string{"sh", "-c", ": > new"}, "", true},
			{[]string{"sh", "-c", ": >> file"}, "", true},
			{[]string{"sh", "-c", "(:)"}, "", true}, // fork(2)
			{[]string{"cp", "file", "new"}, "", true},
			{[]string{"mkdir", "new"}, "", true},
			{[]string{"rm", "-f", "removed"}, "", true},
			{[]string{"chmod", "600", "file"}, "", true},
		} {
			t.Run(strings.Join(test.program, " "), func(t *testing.T) {
				cmd := testkit.Command(t, script, test.program...)
				cmd.Dir = s.directory + "/host"
				out, err := cmd.Output()
				var exit *initscript.ExitError
				if errors.As(err, &exit) != test.fails || err != nil && !test.fails ||
					string(out) != test.want {
					t.Errorf("%q, %v; want %q", out, err, test.want)
				}
			})
		}
		for _, name := range []string{"file", "removed"} {
			info, err := os.Stat(s.directory + "/host/" + name)
			if err != nil || info.Mode() != 0o644 || info.Size() != int64(len(scriptOfNothing)) {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
		if _, err := os.Stat(s.directory + "/host/new"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file was made: %v", err)
		}
	})
}

// System calls for which there is no program.
func TestRecipeSeccompAllowListCalls(t *testing.T) {
	requireAllowList(t)
	calls := testkit.ScriptCase{
		Script: testkit.Lua("system_calls") + recipe(t, "seccomp-allow-list", seccompChoice,
			`local filter = built_in_filter()`) +
			fmt.Sprintf(`R(call('getpid')) R(call(%d, 1, 1, 0)) R(call(%d, 0x10000000)) R(call(%d, `+
				`0)) R(call(%d, 0, 0)) R(call(%d, 0x40000000))`,
				unix.SYS_SOCKET, unix.SYS_UNSHARE, unix.SYS_PTRACE, unix.SYS_CLONE3, unix.SYS_CLONE),
		Sent: []string{"ok", "EPERM", "EPERM", "EPERM", "ENOSYS", "EPERM"},
	}
	calls.Run(t)
}

const seccompChoice = `local filter = arg and read_all(arg) or built_in_filter()`

// The bytes may come in pieces.
func TestRecipeSeccompAllowListThroughArg(t *testing.T) {
	policy, err := seccomp.ParsePolicy([]byte("default_action: allow\n" +
		"rules: [{names: [chdir], action: {errno: EDOM}}]"))
	testkit.Must(t, err)
	filter, err := policy.Compile()
	testkit.Must(t, err)
	reader, writer, err := os.Pipe()
	testkit.Must(t, err)
	defer reader.Close()
	go func() {
		defer writer.Close()
		for part := range slices.Chunk(filter, 12) {
			writer.Write(part)
		}
	}()
	checkShell(t, recipe(t, "seccomp-allow-list"), `cd / 2>/dev/null || echo refused; (echo fork)`,
		"refused\nfork\n", func(cmd *initscript.Cmd) { cmd.Arg = reader })
	null, err := os.Open(os.DevNull)
	testkit.Must(t, err)
	defer null.Close()
	checkRefusal(t, recipe(t, "seccomp-allow-list"), "EINVAL",
		func(cmd *initscript.Cmd) { cmd.Arg = null })
	checkRefusal(t, `jit.arch = "another" `+recipe(t, "seccomp-allow-list"),
		"no system call numbers for another")
}

func TestRecipeDropToServiceUser(t *testing.T) {
	testkit.RequireRoot(t)
	testkit.RequireNamespaces(t, initscript.NewNet)
	// No service of the host has the port there.
	network := func(cmd *initscript.Cmd) { cmd.Namespaces = initscript.NewNet }
	confined := newSite(t).try(t, "drop-to-service-user", recipe(t, "drop-to-service-user"), network)
	checkAttempts(t, "drop-to-service-user", confined, tryFree(t, "drop-to-service-user", network))
}

const plainServiceUser = `C.setgroups({}) C.setresgid(65534, 65534, 65534) C.setresuid(65534, 65534, ` +
	`65534) `

// What other programs give: the ids without the recipe give nothing, and with it nothing more.
func TestRecipeDropToServiceUserExecution(t *testing.T) {
	testkit.RequireRoot(t)
	testkit.RequireNamespaces(t, initscript.NewNet)
	id := openSite(t) + "/id"
	program, err := os.ReadFile(testkit.RequireProgram(t, "id"))
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(id, program, 0o755))
	testkit.Must(t, os.Chmod(id, 0o755|os.ModeSetuid))
	if out, err := shell(t, plainServiceUser, id+" -u"); err != nil || out != "0\n" {
		t.Skipf("set-user-ID programs have no effect here: %q, %v", out, err)
	}
	checkShell(t, recipe(t, "drop-to-service-user"), id+" -u", "65534\n")

	network := func(cmd *initscript.Cmd) { cmd.Namespaces = initscript.NewNet }
	s := newSite(t)
	if got := s.try(t, "child of service user", plainServiceUser, network)["listen"]; got != "EACCES" {
		t.Errorf("a service user without the capability: %s", got)
	}
	script := recipe(t, "drop-to-service-user",
		`local KEEP = "cap_net_bind_service" -- several are separated by commas`,
		`local KEEP = "cap_chown,cap_kill"`,
		`local GROUPS = {} -- supplementary`, `local GROUPS = { 7, 8 }`)
	checkShell(t, script, `grep -E '^(Cap|Groups)' /proc/self/status | tr -s '\t \n' ' '`,
		"Groups: 7 8 CapInh: 0000000000000021 CapPrm: 0000000000000021 CapEff: 0000000000000021 "+
			"CapBnd: 0000000000000021 CapAmb: 0000000000000021 ")
}

func TestRecipeChrootWithDevices(t *testing.T) {
	testkit.RequireRoot(t)
	testkit.RequireNamespaces(t, initscript.NewPID|initscript.NewIPC)
	s := newSite(t)
	variables := []string{fmt.Sprintf("%s = %q", probeVariable, "chroot-with-devices")}
	for _, variable := range s.variables {
		name, value, _ := strings.Cut(variable, "=")
		variables = append(variables, fmt.Sprintf("%s = %q", name, value))
	}
	// The new root has no /proc/self/exe.
	script := recipe(t, "chroot-with-devices") + `C.fexecve(5, { "probe" }, { ` +
		strings.Join(variables, ", ") + ` })`
	namespaces := func(cmd *initscript.Cmd) { cmd.Namespaces = initscript.NewPID | initscript.NewIPC }
	confined := s.try(t, "chroot-with-devices", script, withFile(t, "/proc/self/exe", os.O_RDONLY),
		namespaces)
	checkAttempts(t, "chroot-with-devices", confined, tryFree(t, "chroot-with-devices"))
	checkShell(t, recipe(t, "chroot-with-devices"),
		`echo x > /dev/null && id -u; umask; ls /proc /etc 2>/dev/null || echo neither`,
		"65534\n0022\nneither\n", namespaces)
	checkRefusal(t, recipe(t, "chroot-with-devices"), "not in a PID namespace of its own")
}

// target is a process in namespaces of its own, which ends at the end of its standard input.
type target struct {
	process *os.File // its directory in /proc
	cmd     *initscript.Cmd
	stdin   io.Closer
}

func newTarget(t *testing.T, script string, options ...func(*initscript.Cmd)) *target {
	t.Helper()
	cmd := testkit.Command(t, script, "/bin/cat")
	cmd.Dir = "/"
	for _, option := range options {
		option(cmd)
	}
	stdin, err := cmd.StdinPipe()
	testkit.Must(t, err)
	stdout, err := cmd.StdoutPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() { stdin.Close(); cmd.Wait() })
	// When the program runs: until then not everybody may look at the process.
	fmt.Fprintln(stdin)
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatalf("the target says nothing: %v, %v", err, cmd.WaitScript())
	}
	process, err := os.Open(fmt.Sprintf("/proc/%d", cmd.Process.Pid))
	testkit.Must(t, err)
	t.Cleanup(func() { process.Close() })
	return &target{process, cmd, stdin}
}

func (t *target) arg(cmd *initscript.Cmd) { cmd.Arg = t.process }

// inode is what the kernel calls a namespace of the target's.
func (target *target) inode(t *testing.T, name string) string {
	t.Helper()
	link, err := os.Readlink(target.process.Name() + "/ns/" + name)
	testkit.Must(t, err)
	return link
}

const targetScript = `C.sethostname("target") C.mount("tmpfs", "/mnt", "tmpfs", 0) C.mkdir("/mnt/of ` +
	`the target", mode(7, 5, 5))`

func TestRecipeJoinNamespaces(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		target := newTarget(t, targetScript, testkit.InUserNamespace(initscript.NewMount|
			initscript.NewNet|initscript.NewUTS|initscript.NewIPC|initscript.NewCgroup))
		want := "target\nof the target\n0 0\n"
		for _, name := range []string{"user", "mnt", "net", "uts", "ipc", "cgroup"} {
			if host, err := os.Readlink("/proc/self/ns/" + name); err != nil ||
				target.inode(t, name) == host {
				t.Fatalf("the target is in %s of the host, %v", host, err)
			}
			want += target.inode(t, name) + "\n"
		}
		checkShell(t, recipe(t, "join-namespaces"),
			`hostname; ls /mnt; echo $(id -u) $(id -g)
			cd /proc/self/ns; readlink user mnt net uts ipc cgroup`, want, target.arg)
		// It is root there: it may change what belongs to the user namespace.
		checkShell(t, recipe(t, "join-namespaces"),
			`hostname changed && mount -t tmpfs tmpfs /mnt && ls -A /mnt; hostname`,
			"changed\n", target.arg)
		checkShell(t, recipe(t, "join-namespaces"), `hostname; ls /mnt`, "changed\n", target.arg)
	})
}

// What the target shares with the caller is left alone, also where joining it would be refused.
func TestRecipeJoinSomeNamespaces(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		target := newTarget(t, `C.sethostname("target")`, testkit.InUserNamespace(initscript.NewUTS))
		mount, err := os.Readlink("/proc/self/ns/mnt")
		testkit.Must(t, err)
		checkShell(t, recipe(t, "join-namespaces"), `hostname; readlink /proc/self/ns/mnt`,
			"target\n"+mount+"\n", target.arg)
		own, err := os.Open("/proc/self")
		testkit.Must(t, err)
		defer own.Close()
		name, err := os.Hostname()
		testkit.Must(t, err)
		checkShell(t, recipe(t, "join-namespaces"), `hostname; id -u`,
			fmt.Sprintf("%s\n%d\n", name, os.Geteuid()), func(cmd *initscript.Cmd) { cmd.Arg = own })
	})
}

// Namespaces without a user namespace of their own are root's.
func TestRecipeJoinNamespacesOfTheHost(t *testing.T) {
	testkit.RequireRoot(t)
	testkit.RequireNamespaces(t, initscript.NewMount|initscript.NewUTS)
	target := newTarget(t, targetScript,
		func(cmd *initscript.Cmd) { cmd.Namespaces = initscript.NewMount | initscript.NewUTS })
	checkShell(t, recipe(t, "join-namespaces"), `hostname; ls /mnt`, "target\nof the target\n",
		target.arg)
	// One that belongs to the host and one that belongs to the target's user namespace.
	mixed := newTarget(t, `C.unshare(C.CLONE_NEWUTS) C.sethostname("mixed") local f = `+
		`C.open("/proc/self/ns/uts", C.O_RDONLY) C.unshare(C.CLONE_NEWUSER) `+
		`C.unshare(C.CLONE_NEWNET) C.write(C.open("/proc/self/uid_map", C.O_WRONLY), "0 0 1") `+
		`C.write(C.open("/proc/self/setgroups", C.O_WRONLY), "deny") `+
		`C.write(C.open("/proc/self/gid_map", C.O_WRONLY), "0 0 1")`)
	checkShell(t, recipe(t, "join-namespaces"), `hostname; readlink /proc/self/ns/net; id -G`,
		"mixed\n"+mixed.inode(t, "net")+"\n0\n", mixed.arg)
}

func TestRecipeJoinOneNamespace(t *testing.T) {
	testkit.RequireRoot(t)
	testkit.RequireNamespaces(t, initscript.NewMount|initscript.NewUTS)
	target := newTarget(t, `C.sethostname("target")`,
		func(cmd *initscript.Cmd) { cmd.Namespaces = initscript.NewUTS | initscript.NewMount })
	file, err := os.Open(target.process.Name() + "/ns/uts")
	testkit.Must(t, err)
	defer file.Close()
	mount, err := os.Readlink("/proc/self/ns/mnt")
	testkit.Must(t, err)
	checkShell(t, recipe(t, "join-namespaces"), `hostname; readlink /proc/self/ns/mnt`,
		"target\n"+mount+"\n", func(cmd *initscript.Cmd) { cmd.Arg = file })
}

func TestRecipeJoinNamespacesRefusals(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		script := recipe(t, "join-namespaces")
		checkRefusal(t, script, "no process given")
		for path, text := range map[string]string{
			"/dev/null": "EINVAL", // no namespace
			"/":         "ENOENT", // no process
		} {
			file, err := os.Open(path)
			testkit.Must(t, err)
			defer file.Close()
			checkRefusal(t, script, text, func(cmd *initscript.Cmd) { cmd.Arg = file })
		}
		// A process that has ended, whatever has its id by now.
		target := newTarget(t, "")
		testkit.Must(t, target.stdin.Close())
		testkit.Must(t, target.cmd.Wait())
		checkRefusal(t, script, "open(", target.arg)
		// Who is not root there could not give up the ids of the host.
		unmapped := newTarget(t, "", func(cmd *initscript.Cmd) { cmd.Namespaces = initscript.NewUser })
		checkRefusal(t, script, "setresgid", unmapped.arg)
	})
	if os.Geteuid() != 0 {
		t.Run("process of another user", func(t *testing.T) {
			other, err := os.Open("/proc/1")
			testkit.Must(t, err)
			var owner unix.Stat_t
			testkit.Must(t, unix.Fstat(int(other.Fd()), &owner))
			if owner.Uid == uint32(os.Geteuid()) {
				t.Skip("process 1, the first of a container, is this user's own")
			}
			defer other.Close()
			checkRefusal(t, recipe(t, "join-namespaces"), "EACCES",
				func(cmd *initscript.Cmd) { cmd.Arg = other })
		})
	}
}

// Processes of the target's user namespace cannot trace the script's when that has joined it.
func TestRecipeJoinNamespacesIsNotDumpable(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		target := newTarget(t, "", testkit.InUserNamespace(0))
		row := testkit.ScriptCase{
			Script: `local socket, setns = arg, C.setns arg = 5 ` +
				`C.setns = function(...) C.write(socket, tostring((C.prctl(C.PR_GET_DUMPABLE)))) ` +
				`return setns(...) end ` + recipe(t, "join-namespaces"),
			Set: func(_ *testing.T,
				cmd *initscript.Cmd) {
				cmd.ExtraFiles = []*os.File{target.process}
			},
			Sent: []string{"0"},
		}
		row.Run(t)
	})
}

// ownCount has the limit of processes count those of the command alone, not what the user runs
// elsewhere: the kernel counts for each user namespace (since Linux 5.14). Where there can be none, it
// counts all; and root has no such limit.
func ownCount(t *testing.T) func(*initscript.Cmd) {
	t.Helper()
	inOwn := testkit.InUserNamespace(0)
	cmd := testkit.Command(t, "")
	inOwn(cmd)
	if os.Geteuid() == 0 || cmd.Run() != nil {
		return func(*initscript.Cmd) {}
	}
	return inOwn
}

func TestRecipeResourceLimits(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		ownCount := ownCount(t)
		limits := func(change ...string) string {
			script := recipe(t, "resource-limits", change...)
			if testkit.WithASan {
				script = strings.ReplaceAll(script, "\n    { C.RLIMIT_AS, ", "\n    -- { C.RLIMIT_AS, ")
			}
			return script
		}
		var want string
		for _, limit := range []struct {
			name     string
			resource int
			value    uint64
			unit     string
		}{
			{"cpu time", unix.RLIMIT_CPU, 600, "seconds"},
			{"file size", unix.RLIMIT_FSIZE, 1 << 30, "bytes"},
			{"core file size", unix.RLIMIT_CORE, 0, "bytes"},
			{"processes", unix.RLIMIT_NPROC, 2048, "processes"},
			{"open files", unix.RLIMIT_NOFILE, 512, "files"},
			{"address space", unix.RLIMIT_AS, 4 << 30, "bytes"},
		} {
			var has unix.Rlimit
			testkit.Must(t, unix.Getrlimit(limit.resource, &has))
			value := fmt.Sprint(min(limit.value, has.Max))
			if testkit.WithASan && limit.resource == unix.RLIMIT_AS {
				value = "unlimited"
			}
			want += fmt.Sprintf("Max %s %s %s %s \n", limit.name, value, value, limit.unit)
		}
		checkShell(t, limits(),
			`grep -E '^Max (cpu|file size|core|processes|open|address)' /proc/self/limits | tr -s ' '`,
			want, ownCount)
		if !testkit.WithASan {
			checkShell(t, limits(`    { C.RLIMIT_AS, 4096 * MIB }, -- memory, with all that is only `+
				`mapped`, `    { C.RLIMIT_AS, 64 * MIB },`),
				`exec 2>/dev/null; dd if=/dev/zero of=/dev/null bs=1M count=1 && echo small; dd `+
					`if=/dev/zero of=/dev/null bs=100M count=1 || echo large`,
				"small\nlarge\n", ownCount)
		}
		directory := newSite(t).directory + "/work"
		checkShell(t, limits(`    { C.RLIMIT_FSIZE, 1024 * MIB }, -- the size of a file that it writes`,
			`    { C.RLIMIT_FSIZE, MIB },`),
			`exec 2>/dev/null; head -c 1M /dev/zero >f && echo small; head -c 2M /dev/zero >g || wc `+
				`-c <g`, "small\n1048576\n", in(directory), ownCount)
		descriptors := testkit.ScriptCase{
			Script: limits(`    { C.RLIMIT_NOFILE, 512 }, -- open descriptors`,
				`    { C.RLIMIT_NOFILE, 8 },`) + `errexit = false for i = 5, 8 do R(C.dup(1)) end`,
			Sent: []string{"5,0", "6,0", "7,0", fmt.Sprintf("-1,%d", unix.EMFILE)},
		}
		descriptors.Run(t)
		out, err := shell(t,
			limits(`    { C.RLIMIT_CPU, 600 }, -- seconds of computing; then the process is killed`,
				`    { C.RLIMIT_CPU, 1 },`), `while :; do :; done`)
		var exit *initscript.ExitError
		if !errors.As(err, &exit) || exit.Signal() != unix.SIGKILL {
			t.Errorf("%q, %v", out, err)
		}
		if os.Geteuid() == 0 {
			return
		}
		out, err = shell(t,
			limits(`    { C.RLIMIT_NPROC, 2048 }, -- of all processes and threads that the user has `+
				`on the host`, `    { C.RLIMIT_NPROC, 1 },`),
			`exec 2>/dev/null; echo alone; (echo together)`)
		if !errors.As(err, &exit) || out != "alone\n" {
			t.Errorf("%q, %v", out, err)
		}
		checkShell(t, limits(), `(ulimit -Hn 513) 2>/dev/null || echo refused`, "refused\n", ownCount)
	})
}

// hostKey describes the key of withHostKey.
const hostKey = "initscript-test"

// withHostKey gives the calling thread, and what the calling goroutine starts, a session keyring with
// a key.
func withHostKey(t *testing.T) {
	t.Helper()
	testkit.RequireKeyrings(t)
	runtime.LockOSThread() // for good: the keyring is the thread's, and ends with it
	_, err := unix.KeyctlJoinSessionKeyring("initscript-test")
	testkit.Must(t, err)
	_, err = unix.AddKey("user", hostKey, []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING)
	testkit.Must(t, err)
	initscript.RenewServer() // that of before has another keyring
	t.Cleanup(func() { initscript.RenewServer() })
}

// A change of ids leaves the session keyring as it is: the recipes give the user another one.
func TestRecipesLeaveSessionKeyring(t *testing.T) {
	testkit.RequireRoot(t)
	testkit.RequireNamespaces(t, initscript.NewPID|initscript.NewIPC)
	withHostKey(t)
	execute := `C.fexecve(5, { "probe" }, { ` + probeVariable + ` = "keys" })`
	program := withFile(t, "/proc/self/exe", os.O_RDONLY)
	namespaces := func(cmd *initscript.Cmd) { cmd.Namespaces = initscript.NewPID | initscript.NewIPC }
	for name, want := range map[string]string{"": "ok", "drop-to-service-user": "ENOKEY",
		"chroot-with-devices": "ENOKEY"} {
		script := plainServiceUser
		if name != "" {
			script = recipe(t, name)
		}
		for got := range maps.Values(newSite(t).try(t, "keys", script+execute, program, namespaces)) {
			if got != want {
				t.Errorf("%q: %s, want %s", name, got, want)
			}
		}
	}
}

// Where a filter around the recipe refuses keyctl(2) it does without, for it is refused to the program.
func TestRecipesWithoutKeyctl(t *testing.T) {
	testkit.RequireRoot(t)
	testkit.RequireNamespaces(t, initscript.NewPID|initscript.NewIPC)
	namespaces := func(cmd *initscript.Cmd) { cmd.Namespaces = initscript.NewPID | initscript.NewIPC }
	for _, name := range []string{"drop-to-service-user", "chroot-with-devices"} {
		for errno, does := range map[syscall.Errno]bool{unix.EPERM: true, unix.ENOSYS: true,
			unix.EDQUOT: false} {
			around := "C.seccomp_set_mode_filter(" + testkit.Filter(unix.SYS_KEYCTL,
				unix.SECCOMP_RET_ERRNO|uint32(errno)) + ") "
			out, err := shell(t, around+recipe(t, name), "id -u", namespaces)
			if (out == "65534\n") != does || (err == nil) != does {
				t.Errorf("%s, keyctl refused with %v: %q, %v", name, errno, out, err)
			}
		}
	}
}
