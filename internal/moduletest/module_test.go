//go:build linux

// Package moduletest tests what the go command makes of a module that uses initscript, with the flags
// that people do not give: in a module of its own, without network, with what the module cache has.
package moduletest

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	modulePath    = "github.com/go-initscript/initscript"
	moduleVersion = "v0.0.1"
)

// The words of the failures.
const (
	needsTag = "golua_needs_go_build_-tags_luajit"
	needsCgo = "initscript_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler"
)

// program and its test start a process; both need the package itself.
const program = `package main

import (
	"fmt"
	"os"

	"github.com/go-initscript/initscript"
)

func run() ([]byte, error) {
	cmd := initscript.Command("/bin/echo", "started")
	cmd.Script = "set_no_new_privs()"
	return cmd.Output()
}

func main() {
	out, err := run()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Stdout.Write(out)
}
`

const programTest = `package main

import "testing"

func TestRun(t *testing.T) {
	if out, err := run(); err != nil || string(out) != "started\n" {
		t.Errorf("%q, %v", out, err)
	}
}
`

const luaHost = `package main

import (
	"github.com/aarzilli/golua/lua"
	"github.com/go-initscript/initscript/luahost"
)

func main() {
	L := lua.NewState()
	L.OpenLibs()
	defer L.Close()
	if err := luahost.Open(L); err != nil {
		panic(err)
	}
}
`

// goluaBeside has two Luas, too, though it does not know luahost.
const goluaBeside = `package main

import (
	"github.com/aarzilli/golua/lua"
	_ "github.com/go-initscript/initscript"
)

func main() { lua.NewState().Close() }
`

// portable decides at run time.
const portable = `package main

import (
	"errors"

	"github.com/go-initscript/initscript"
)

func main() {
	if err := initscript.Confine("", nil); !errors.Is(err, initscript.ErrUnsupported) {
		panic(err)
	}
}
`

// mailboxAlone needs nothing of what runs scripts.
const mailboxAlone = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/go-initscript/initscript/mailbox"
)

func main() {
	inbox := mailbox.NewInbox()
	address, err := inbox.Address()
	if err == nil {
		err = address.Send(context.Background(), os.Stdin)
	}
	message, receiveErr := inbox.Receive(context.Background())
	if _, isFile := message.(*os.File); err != nil || !isFile {
		fmt.Println(message, err, receiveErr)
		os.Exit(1)
	}
}
`

// A module is one that uses initscript.
type module struct {
	directory string
	env       []string
}

func newModule(t *testing.T) *module {
	t.Helper()
	root, err := filepath.Abs("../..")
	must(t, err)
	m := &module{directory: t.TempDir()}
	m.env = goEnvironment("GOFLAGS=-buildvcs=false", "GOPROXY=off")
	m.write(t, "go.mod", "module example.org/user\n\ngo 1.25.0\n\nrequire "+modulePath+" "+moduleVersion+
		"\n\nreplace "+modulePath+" => "+root+"\n")
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	must(t, err)
	m.write(t, "go.sum", string(sums))
	for name, text := range map[string]string{
		"program/main.go":      program,
		"program/main_test.go": programTest,
		"luahost/main.go":      luaHost,
		"golua/main.go":        goluaBeside,
		"portable/main.go":     portable,
		"mailbox/main.go":      mailboxAlone,
	} {
		m.write(t, name, text)
	}
	if out, err := m.run(nil, "go", "mod", "tidy"); err != nil {
		t.Skipf("the module cache lacks something: %v\n%s", err, out)
	}
	return m
}

// goEnvironment is this process's, without what it was built with, and with more.
func goEnvironment(more ...string) []string {
	var env []string
	for _, variable := range os.Environ() {
		switch name, _, _ := strings.Cut(variable, "="); name {
		case "CC", "CGO_ENABLED", "CGO_CFLAGS", "CGO_LDFLAGS", "GOOS", "GOARCH", "GOFLAGS", "GOPROXY":
		default:
			env = append(env, variable)
		}
	}
	return append(env, append([]string{"GOTOOLCHAIN=local", "GOSUMDB=off", "GOWORK=off"}, more...)...)
}

func (m *module) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(m.directory, name)
	must(t, os.MkdirAll(filepath.Dir(path), 0o777))
	must(t, os.WriteFile(path, []byte(text), 0o666))
}

func (m *module) run(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = m.directory, append(append([]string{}, m.env...), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func requireGo(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles programs")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command("go", "env", "GOCACHE").CombinedOutput(); err != nil {
		t.Skipf("go env: %v: %s", err, out)
	}
}

func TestModule(t *testing.T) {
	requireGo(t)
	m := newModule(t)
	compilerless := []string{"PATH=" + withGoAlone(t)}
	withoutCgo := []string{"CGO_ENABLED=0"}
	for _, test := range []struct {
		name    string
		env     []string
		command string
		fails   string // with one line, which has this; or not
	}{
		{"build", nil, "go build -o bin/ ./program", ""},
		{"started", nil, "bin/program", ""},
		{"vet", nil, "go vet ./...", ""},
		{"test", nil, "go test ./program", ""},
		{"the tag changes nothing", nil, "go vet -tags luajit ./...", ""},

		{"luahost", nil, "go build -tags luajit -o bin/ ./luahost", ""},
		{"luahost without the tag", nil, "go build -o bin/ ./luahost", needsTag},
		{"golua without the tag", nil, "go build -o bin/ ./golua", needsTag},
		{"golua with another tag", nil, "go build -tags lluadash5.1 -o bin/ ./golua", needsTag},

		{"without cgo", withoutCgo, "go build -o bin/ ./program", needsCgo},
		{"without cgo, with the tag", withoutCgo, "go build -tags luajit -o bin/ ./program", needsCgo},
		{"without cgo, vet", withoutCgo, "go vet ./program", needsCgo},
		{"without cgo, luahost", withoutCgo, "go build " + modulePath + "/luahost", needsCgo},
		{"without cgo, the command", withoutCgo, "go build -o bin/ " + modulePath + "/cmd/initscript",
			needsCgo},
		{"mailbox alone", nil, "go build -o bin/ ./mailbox", ""},
		{"mailbox alone works", nil, "bin/mailbox", ""},
		{"mailbox alone, without cgo", withoutCgo, "go build -o bin/ ./mailbox", needsCgo},

		{"without a compiler", compilerless, "go build -o bin/ ./program", needsCgo},
		{"for another machine", []string{"GOARCH=riscv64"}, "go build -o bin/ ./program", needsCgo},
		{"for FreeBSD", []string{"GOOS=freebsd"}, "go build -o bin/ ./program", needsCgo},

		{"stubs", withoutCgo, "go build -tags initscript_unsupported -o bin/ ./portable", ""},
		{"stubs are stubs", nil, "bin/portable", ""},
		{"stubs for darwin", []string{"GOOS=darwin"}, "go build ./program ./portable ./mailbox", ""},
		{"stubs for windows", []string{"GOOS=windows"}, "go build ./program ./portable ./mailbox", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			words := strings.Fields(test.command)
			if words[0] != "go" {
				words[0] = filepath.Join(m.directory, words[0])
			}
			out, err := m.run(test.env, words[0], words[1:]...)
			if test.fails == "" {
				if err != nil {
					t.Errorf("%s: %v\n%s", test.command, err, out)
				}
				return
			}
			if err == nil {
				t.Fatalf("%s does not fail:\n%s", test.command, out)
			}
			if lines := messages(out); len(lines) != 1 || !strings.Contains(lines[0], test.fails) {
				t.Errorf("%s: %d lines, want one with %s:\n%s", test.command, len(lines), test.fails,
					out)
			}
		})
	}
}

// messages are the lines of the go command without those that name a package, which begin with a number
// sign.
func messages(out string) []string {
	var lines []string
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// withGoAlone returns a directory with the go command and no compiler.
func withGoAlone(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	must(t, err)
	directory := t.TempDir()
	must(
		t,
		os.Symlink(
			filepath.Join(strings.TrimSpace(string(out)), "bin/go"),
			filepath.Join(directory, "go"),
		),
	)
	return directory
}

// The documentation is there without flags, and with the tag the same.
func TestModuleDocumentation(t *testing.T) {
	requireGo(t)
	root, err := filepath.Abs("../..")
	must(t, err)
	var texts []string
	for _, flags := range []string{"", "-tags=luajit"} {
		m := &module{directory: root, env: goEnvironment("GOPROXY=off", "GOFLAGS="+flags)}
		text, err := m.run(nil, "go", "doc", "-all", "./luahost")
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, part := range []string{"Package luahost makes", "func Open(L *State) error",
			"func Run(L *State",
			"type ProgramError struct", "type State = lua.State"} {
			if strings.Count(text, part) != 1 {
				t.Errorf("GOFLAGS=%s: no %q in\n%s", flags, part, text)
			}
		}
		texts = append(texts, text)
	}
	if texts[0] != texts[1] {
		t.Error("the tag changes the documentation")
	}
}

// The command is installed as a version, as a proxy has it. It has no host then, and says how to get it.
func TestModuleInstall(t *testing.T) {
	requireGo(t)
	m := &module{directory: t.TempDir()}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	must(t, err)
	proxy, bin := t.TempDir(), t.TempDir()
	writeProxy(t, proxy)
	m.env = goEnvironment("GOFLAGS=-modcacherw", "GOMODCACHE="+t.TempDir(), "GOBIN="+bin,
		"GOPROXY=file://"+proxy+",file://"+strings.TrimSpace(string(cache))+"/cache/download")
	if out, err := m.run(nil, "go", "mod", "download", modulePath+"@"+moduleVersion); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// -trimpath lets the build cache know a second run's directories.
	out, err := m.run(nil, "go", "install", "-trimpath", modulePath+"/cmd/initscript@"+moduleVersion)
	if err != nil {
		if strings.Contains(out, "reading file://") {
			t.Skipf("the module cache lacks something: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	command := filepath.Join(bin, "initscript")
	if out, err := m.run(nil, command, "run", "-e", "print(6 * 7)"); err != nil || out != "42\n" {
		t.Errorf("run: %q, %v", out, err)
	}
	if out, err := m.run(nil, command, "--version"); err != nil ||
		!strings.Contains(out, moduleVersion) {
		t.Errorf("--version: %q, %v", out, err)
	}
	out, err = m.run(nil, command, "host", "program.lua")
	if err == nil ||
		!strings.Contains(out, "go install -tags luajit "+modulePath+"/cmd/initscript@latest") {
		t.Errorf("host: %q, %v", out, err)
	}
}

// writeProxy makes what GOPROXY=file://directory reads: this module, as a version.
func writeProxy(t *testing.T, directory string) {
	t.Helper()
	const root = "../.."
	versions := filepath.Join(directory, modulePath, "@v")
	must(t, os.MkdirAll(versions, 0o777))
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	must(t, err)
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	must(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if entry.IsDir() {
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if name == ".git" || name == "bin" || name != "." && nested == nil {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || strings.HasSuffix(name, ".test") {
			return nil
		}
		return addFile(writer, path, modulePath+"@"+moduleVersion+"/"+filepath.ToSlash(name))
	}))
	must(t, writer.Close())
	for name, text := range map[string][]byte{
		"list": []byte(moduleVersion + "\n"),
		moduleVersion + ".info": []byte(`{"Version":"` + moduleVersion + `",` +
			`"Time":"2026-01-01T00:00:00Z"}`),
		moduleVersion + ".mod": mod,
		moduleVersion + ".zip": archive.Bytes(),
	} {
		must(t, os.WriteFile(filepath.Join(versions, name), text, 0o666))
	}
}

func addFile(archive *zip.Writer, path, name string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	entry, err := archive.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, file)
	return err
}
