package initscript

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// What a script can call is what there are rows for.
func TestTracedFunctionsAreTheFunctionsOfScripts(t *testing.T) {
	cmd := Command("")
	cmd.Script = `
		local _, names = debug.getupvalue(getmetatable(C).__index, 1)
		for name in pairs(names) do
			if type(C[name]) == "function" then print(name) end
		end
		local lua = {}
		for name in string.gmatch([[assert collectgarbage dofile error gcinfo getfenv getmetatable ipairs load
			loadfile loadstring module newproxy next pairs pcall print rawequal rawget rawlen rawset require select
			setfenv setmetatable tonumber tostring type unpack xpcall]], "%w+") do lua[name] = true end
		for name, value in pairs(_G) do
			if type(value) == "function" and not lua[name] then print(name) end
		end`
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(out.String())
	seen := map[string]bool{}
	for _, name := range names {
		seen[name] = true
		if _, ok := tracedFunctions[name]; !ok {
			t.Errorf("%s has no row", name)
		}
	}
	for name := range tracedFunctions {
		if !seen[name] {
			t.Errorf("%s has a row and does not exist", name)
		}
	}
}

func TestFamilies(t *testing.T) {
	for _, test := range []struct {
		family *family
		value  int64
		want   string
	}{
		{openFlags, 0, "O_RDONLY"},
		{openFlags, 1, "O_WRONLY"},
		{openFlags, 3, "3"},
		{openFlags, 0o20200000 | 2, "O_RDWR|O_TMPFILE"},
		{openFlags, 0o200000, "O_RDONLY|O_DIRECTORY"},
		{openFlags, 0o4010000, "O_RDONLY|O_SYNC"},
		{openFlags, 1 << 40, "O_RDONLY|0x10000000000"},
		{mountFlags, 0, "0"},
		{mountFlags, -1 << 31, "0x80000000"},
		{mountFlags, 1 | 4096, "MS_BIND|MS_RDONLY"},
		{socketTypes, 5, "SOCK_SEQPACKET"},
		{socketTypes, 3 | 0o2000000, "SOCK_CLOEXEC|3"},
		{socketDomains, 1, "AF_UNIX"},
		{socketDomains, 99, "99"},
		{directories, -100, "AT_FDCWD"},
		{accessModes, 6, "R_OK|W_OK"},
		{limits, -1, "RLIM_INFINITY"},
		{limits, 12, "12"},
		{mountAttributes, 0x10 | 2, "MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOATIME"},
		{mountAttributes, 0x70, "MOUNT_ATTR__ATIME"},
		{fcntlCommands, 2, "F_SETFD"},
		{prctlOptions, 38, "PR_SET_NO_NEW_PRIVS"},
		{keyctlOperations, 1, "KEYCTL_JOIN_SESSION_KEYRING"},
		{keyrings, -3, "KEY_SPEC_SESSION_KEYRING"},
		{keyrings, 1234, "1234"},
		{signals, 9, "SIGKILL"},
	} {
		if got := test.family.text(test.value); got != test.want {
			t.Errorf("%v of %d: %s, want %s", test.family.prefixes, test.value, got, test.want)
		}
	}
}

// Whatever the child writes is refused or shown.
func FuzzTraceParser(f *testing.F) {
	for _, seed := range []string{"", "\x01", "\x06\x09", "\x07\x01\x02\x08", "\x07\x07\x07\x07\x07", "\x05\xff\xff\xff\xff\xff\xff\xff\xff", "\x05\x02\x00\x00\x00\x01\x00\x00\x00x", "\x04\x00\x00\x00\x00\x00\x00\xf8\x7f"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, record []byte, count int) {
		parser := traceParser{rest: record}
		values := parser.values(count)
		if parser.failed {
			return
		}
		for name, row := range tracedFunctions {
			call := &tracedCall{row: row, fds: map[int]string{}, args: values, results: values}
			if texts := call.showAll(row.args, values); len(texts) != len(values) {
				t.Errorf("%s: %q", name, texts)
			}
			call.succeed()
			call.showAll(row.results, values)
		}
	})
}

// A ring with positions and sizes that cannot be ends the trace, not the host.
func TestDamagedTraceRing(t *testing.T) {
	const header = 4096
	for name, damage := range map[string]func(*traceRing){
		"record of no size":     func(r *traceRing) { r.header.head = 64 },
		"record beyond the end": func(r *traceRing) { r.header.head = 64; r.memory[header] = 128 },
		"odd size":              func(r *traceRing) { r.header.head = 64; r.memory[header] = 57 },
		"head before tail":      func(r *traceRing) { r.header.head = 8; r.tail = 1 << 20; r.header.head = ^r.header.head },
		"values that are none": func(r *traceRing) {
			r.header.head = 64
			r.memory[header] = 64
			r.memory[header+44] = 1
			r.memory[header+48] = 99
		},
	} {
		ring, err := newTraceRing()
		if err != nil {
			t.Fatal(err)
		}
		damage(ring)
		if record, err := ring.next(); record != nil || err == nil {
			t.Errorf("%s: %+v, %v", name, record, err)
		}
		ring.close()
	}
}
