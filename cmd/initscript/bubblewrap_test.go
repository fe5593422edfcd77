package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const bubblewrapPage = "docs/guide/from-bubblewrap.md"

// bubblewrapProbes are what a program finds where a row of the page is in force, by the first cell
// of the row: commands for sh, and what they print.
var bubblewrapProbes = map[string]struct{ probe, output string }{
	// Files.
	`--ro-bind /usr /usr`: {`touch /usr/x 2>/dev/null || echo no; ls -d /usr/bin`,
		"no\n/usr/bin\n"},
	`--bind /srv/data /data`: {`cat /data/file; echo x >/data/new && cat /data/new; rm /data/new`,
		"text\nx\n"},
	`--ro-bind /srv/data /data`: {`cat /data/file; (echo x >/data/new) 2>/dev/null || echo no`,
		"text\nno\n"},
	`--bind-try /srv/none /data`: {`ls -d /data 2>/dev/null || echo no`, "no\n"},
	`--dev-bind /dev/null /null`: {`echo x >/null && wc -c </null`, "0\n"},
	`--symlink usr/bin /bin`:     {`readlink /bin`, "usr/bin\n"},
	`--dir /a/b`:                 {`stat -c %F:%a /a /a/b`, "directory:755\ndirectory:755\n"},
	`--perms 0700 --dir /a`:      {`stat -c %a /a`, "700\n"},
	`--dir /a --chmod 0711 /a`:   {`stat -c %a /a`, "711\n"},
	`--tmpfs /tmp`: {`stat -c %a /tmp; stat -f -c %T /tmp; echo x >/tmp/x && cat /tmp/x`,
		"755\ntmpfs\nx\n"},
	`--perms 1777 --tmpfs /tmp`: {`stat -c %a /tmp`, "1777\n"},
	`--size 65536 --tmpfs /tmp`: {`head -c 100000 /usr/bin/bash >/tmp/x 2>/dev/null; wc -c </tmp/x`,
		"65536\n"},
	`--proc /proc`: {`cat /proc/self/comm; ls -d /proc/1`, "cat\n/proc/1\n"},
	`--dev /dev`: {`cd /dev; echo x >null; head -c 1 zero | wc -c; readlink fd stdin stdout ` +
		`stderr; ls -d full ptmx pts random shm tty urandom`,
		"1\n/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\n" +
			"full\nptmx\npts\nrandom\nshm\ntty\nurandom\n"},
	`--mqueue /mqueue`:                    {`stat -f -c %t /mqueue; ls /mqueue`, "19800202\n"},
	`--file 9 /etc/motd 9</srv/data/file`: {`cat /etc/motd`, "text\n"},
	`--remount-ro /`:                      {`touch /x 2>/dev/null || echo no`, "no\n"},
	// The process.
	`--unshare-user`: {`readlink /proc/self/ns/user`, otherNamespace},
	`--unshare-pid`:  {`readlink /proc/self/ns/pid`, otherNamespace},
	`--unshare-net`: {`readlink /proc/self/ns/net; cut -d: -f1 -s /proc/net/dev`,
		otherNamespace + "    lo\n"},
	`--unshare-ipc`:    {`readlink /proc/self/ns/ipc`, otherNamespace},
	`--unshare-uts`:    {`readlink /proc/self/ns/uts`, otherNamespace},
	`--unshare-cgroup`: {`readlink /proc/self/ns/cgroup`, otherNamespace},
	`--unshare-all`: {`cd /proc/self/ns; readlink user pid net ipc uts cgroup`,
		strings.Repeat(otherNamespace, 6)},
	`--unshare-all --share-net`: {`cd /proc/self/ns; readlink user pid ipc uts cgroup net`,
		strings.Repeat(otherNamespace, 5) + sameNamespace},
	`--uid 1000 --gid 100`:         {`id -u; id -g`, "1000\n100\n"},
	`--unshare-uts --hostname box`: {`uname -n`, "box\n"},
	`--setenv NAME value`:          {`echo $NAME`, "value\n"},
	`--clearenv`:                   {`echo "$OUTER"`, "\n"},
	`--chdir /usr`:                 {`pwd`, "/usr\n"},
	`--new-session`: {`[ "$(cut -d ' ' -f 6 /proc/self/stat)" != $SESSION ] && ` +
		`echo other`, "other\n"},
	`--cap-drop ALL`: {`grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status | tr -s '\t0' ' 0'; mount ` +
		`-t tmpfs x /mnt 2>/dev/null || echo no`,
		"CapPrm: 0\nCapEff: 0\nCapBnd: 0\nno\n"},
	`--seccomp 9 9<policy.bpf`: {`unshare --user true 2>/dev/null || echo no`, "no\n"},
	`--unshare-pid --as-pid-1`: {`echo $$`, "1\n"},
	`--json-status-fd 9 9>status`: {`exit 3` + afterwards + `grep -o -e exit -e 3 status | sort -u`,
		"3\nexit\n"},
}

// afterwards separates what runs in the sandbox from what runs outside, when that has ended.
const afterwards = "\n--afterwards\n"

const (
	otherNamespace = "other\n" // than that of the test
	sameNamespace  = "same\n"
)

// A bubblewrapRow is one of the page: the options of bwrap, flags of initscript run, lines for the
// places of the frame.
type bubblewrapRow struct{ options, flags, early, late string }

func (r bubblewrapRow) find(t *testing.T) (probe, output string) {
	entry, ok := bubblewrapProbes[r.options]
	if !ok {
		t.Fatal("the row has no probe")
	}
	return entry.probe, entry.output
}

var codeSpan = regexp.MustCompile("`([^`]*)`")

// readBubblewrapPage returns the rows, and the frame.
func readBubblewrapPage(t *testing.T) (rows []bubblewrapRow, frame string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, bubblewrapPage))
	if err != nil {
		t.Fatal(err)
	}
	_, frame, _ = strings.Cut(string(text), "```lua\n")
	frame, _, _ = strings.Cut(frame, "```")
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		if !strings.HasPrefix(line, "| `--") {
			continue
		}
		first := func(i int) string {
			if match := codeSpan.FindStringSubmatch(cells[i]); match != nil {
				return match[1]
			}
			return ""
		}
		row := bubblewrapRow{options: first(0)}
		if len(cells) == 2 {
			row.early = first(1)
		} else {
			row.flags, row.late = first(1), first(2)
		}
		rows = append(rows, row)
	}
	return rows, frame
}

// TestBubblewrapRows runs what the rows of the page say, with initscript and with bwrap.
func TestBubblewrapRows(t *testing.T) {
	requireUserNamespaces(t)
	rows, frame := readBubblewrapPage(t)
	if len(rows) != len(bubblewrapProbes) {
		t.Errorf("%d rows, %d probes", len(rows), len(bubblewrapProbes))
	}
	for _, row := range rows {
		t.Run(row.options, func(t *testing.T) {
			probe, output := row.find(t)
			site := newBubblewrapSite(t)
			if got := site.runInitscript(t, row, frame, probe); got != output {
				t.Errorf("initscript: %q, want %q", got, output)
			}
			if _, err := exec.LookPath("bwrap"); err != nil {
				return
			}
			if got := site.runBwrap(t, row, probe); got != output {
				t.Errorf("bwrap: %q, want %q", got, output)
			}
		})
	}
}

// bubblewrapSite is a directory with the files that the rows name.
type bubblewrapSite struct{ directory string }

func newBubblewrapSite(t *testing.T) bubblewrapSite {
	t.Helper()
	s := bubblewrapSite{t.TempDir()}
	if err := os.Mkdir(s.directory+"/data", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.directory+"/data/file", []byte("text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(repository, "examples/tutorial/policy.yaml")
	compile := newProcess(t, "initscript", "seccomp", "compile", "-o", s.directory+"/policy.bpf", policy)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return s
}

// here has the paths of the page replaced by those of the site.
func (s bubblewrapSite) here(text string) string {
	return strings.ReplaceAll(text, "/srv/", s.directory+"/")
}

// always are the lines that every probe needs.
var always = []bubblewrapRow{
	{options: "--ro-bind /usr /usr", early: `bind("/usr", "usr", READ_ONLY)`},
	{options: "--symlink usr/bin /bin", early: `C.symlink("usr/bin", "bin")`},
	{options: "--symlink usr/lib /lib", early: `C.symlink("usr/lib", "lib")`},
	{options: "--symlink usr/lib64 /lib64", early: `C.symlink("usr/lib64", "lib64")`},
	{options: "--dir /mnt", early: `dir("mnt")`},
	{options: "--dev-bind /dev/null /dev/null", early: `bind("/dev/null", "dev/null", DEVICES)`},
	{options: "--ro-bind /proc /proc", early: `bind("/proc", "proc", C.MOUNT_ATTR_RDONLY)`},
}

func rowsAround(row bubblewrapRow) []bubblewrapRow {
	var rows []bubblewrapRow
	for _, other := range always {
		if other.options != row.options &&
			(other.options != "--ro-bind /proc /proc" || row.options != "--proc /proc") {
			rows = append(rows, other)
		}
	}
	return append(rows, row)
}

func (s bubblewrapSite) runInitscript(t *testing.T, row bubblewrapRow, frame, probe string) string {
	t.Helper()
	var early []string
	for _, other := range rowsAround(row) {
		early = append(early, other.early)
	}
	frame = replaceLine(t, frame, "-- Here go lines about files", s.here(strings.Join(early, "\n")))
	frame = replaceLine(t, frame, "-- Here go lines about the process", row.late)
	if err := os.WriteFile(s.directory+"/box.lua", []byte(frame), 0o644); err != nil {
		t.Fatal(err)
	}
	flags := "--ns user,mount " + row.flags
	if !strings.Contains(flags, "--uid-map") {
		flags += " --map-root"
	}
	if kind := neededNamespace[row.options]; kind != "" {
		flags += " --ns " + kind
	}
	return s.shell(t, "initscript run "+flags+` --env PATH=/usr/bin:/bin box.lua -- sh -c "$PROBE"`,
		probe)
}

func (s bubblewrapSite) runBwrap(t *testing.T, row bubblewrapRow, probe string) string {
	t.Helper()
	options := "--unshare-user"
	if !strings.Contains(row.options, "--uid") {
		options += " --uid 0 --gid 0"
	}
	for _, other := range rowsAround(row) {
		options += " " + other.options
	}
	if kind := neededNamespace[row.options]; kind != "" {
		options += " --unshare-" + kind
	}
	return s.shell(t, "bwrap "+s.here(options)+` /usr/bin/env PATH=/usr/bin:/bin sh -c "$PROBE"`, probe)
}

// neededNamespace has what the page says below the table of files.
var neededNamespace = map[string]string{"--proc /proc": "pid", "--mqueue /mqueue": "ipc"}

// shell runs the command line, which contains $PROBE, and returns what it prints, with the names of
// namespaces replaced by whether they are those of the test.
func (s bubblewrapSite) shell(t *testing.T, line, probe string) string {
	t.Helper()
	cmd := newShell(t, line)
	session, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	probe, after, _ := strings.Cut(probe, afterwards)
	cmd.Args[2] += "\n" + after
	cmd.Dir = s.directory
	cmd.Env = append(os.Environ(), "OUTER=x",
		"PROBE="+strings.ReplaceAll(probe, "$SESSION", strconv.Itoa(session)))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, _ := cmd.Output() // how the last command of the probe ends is not looked at
	if stderr.Len() > 0 {
		t.Errorf("%s\n%s", line, stderr.String())
	}
	return namespaceName.ReplaceAllStringFunc(string(out), func(name string) string {
		kind, _, _ := strings.Cut(name, ":")
		if own, err := os.Readlink("/proc/self/ns/" + kind); err != nil || own+"\n" == name {
			return sameNamespace
		}
		return otherNamespace
	})
}

var namespaceName = regexp.MustCompile(`(?m)^\w+:\[\d+\]\n`)

// replaceLine puts text in the place of the line that begins so.
func replaceLine(t *testing.T, script, beginning, text string) string {
	t.Helper()
	var out strings.Builder
	replaced := 0
	for line := range strings.Lines(script) {
		if rest, ok := strings.CutPrefix(line, beginning); ok &&
			!strings.HasPrefix(rest, " the process") {
			line = text + "\n"
			replaced++
		}
		out.WriteString(line)
	}
	if replaced != 1 {
		t.Fatalf("%d lines %q", replaced, beginning)
	}
	return out.String()
}

// A program ends when the parent of the command is killed.
func TestBubblewrapDieWithParent(t *testing.T) {
	requireUserNamespaces(t)
	page, err := os.ReadFile(filepath.Join(repository, bubblewrapPage))
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "setpriv --pdeathsig KILL initscript run"
	if !strings.Contains(string(page), "`"+prefix) {
		t.Errorf("the page does not have %s", prefix)
	}
	for name, line := range map[string]string{
		"initscript": prefix + ` --ns user -e "" -- /bin/cat`,
		"bwrap":      "bwrap --die-with-parent --ro-bind / / /bin/cat",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skip(err)
			}
			parent := newShell(t, line+"; true")
			stdin, err := parent.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			stdout, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := stdin.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			if _, err := stdout.Read(make([]byte, 1)); err != nil {
				t.Errorf("the program does not run: %v", err)
			}
			parent.Process.Kill()
			// The end of all that has the pipe open.
			if n, err := stdout.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%d, %v", n, err)
			}
			parent.Wait()
		})
	}
}
