package trace

import "testing"

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
		{families["MountFlags"], 0, "0"},
		{families["MountFlags"], -1 << 31, "0x80000000"},
		{families["MountFlags"], 1 | 4096, "MS_BIND|MS_RDONLY"},
		{families["SocketType"], 5, "SOCK_SEQPACKET"},
		{families["SocketType"], 3 | 0o2000000, "SOCK_CLOEXEC|3"},
		{socketDomains, 1, "AF_UNIX"},
		{socketDomains, 99, "99"},
		{directories, -100, "AT_FDCWD"},
		{accessModes, 6, "R_OK|W_OK"},
		{families["Limit"], -1, "RLIM_INFINITY"},
		{families["Limit"], 12, "12"},
		{families["MountAttributes"], 0x10 | 2, "MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOATIME"},
		{families["MountAttributes"], 0x70, "MOUNT_ATTR__ATIME"},
		{fcntlCommands, 2, "F_SETFD"},
		{families["PrctlOption"], 38, "PR_SET_NO_NEW_PRIVS"},
		{families["KeyctlOperation"], 1, "KEYCTL_JOIN_SESSION_KEYRING"},
		{families["Keyring"], -3, "KEY_SPEC_SESSION_KEYRING"},
		{families["Keyring"], 1234, "1234"},
		{signals, 9, "SIGKILL"},
	} {
		if got := test.family.text(test.value); got != test.want {
			t.Errorf("%v of %d: %s, want %s", test.family.prefixes, test.value, got, test.want)
		}
	}
}

// Whatever the child writes is refused or shown.
func FuzzParser(f *testing.F) {
	for _, seed := range []string{"", "\x01", "\x06\x09", "\x07\x01\x02\x08", "\x07\x07\x07\x07\x07",
		"\x05\xff\xff\xff\xff\xff\xff\xff\xff", "\x05\x02\x00\x00\x00\x01\x00\x00\x00x",
		"\x04\x00\x00\x00\x00\x00\x00\xf8\x7f"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, record []byte, count int) {
		p := parser{rest: record}
		values := p.values(count)
		if p.failed {
			return
		}
		for name, row := range tracedFunctions() {
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
func TestDamagedRing(t *testing.T) {
	for name, damage := range map[string]func(*ring){
		"record of no size":     func(r *ring) { r.header.Head = 64 },
		"record beyond the end": func(r *ring) { r.header.Head = 64; r.memory[HeaderSize] = 128 },
		"odd size":              func(r *ring) { r.header.Head = 64; r.memory[HeaderSize] = 57 },
		"head before tail": func(r *ring) {
			r.header.Head = 8
			r.tail = 1 << 20
			r.header.Head = ^r.header.Head
		},
		"values that are none": func(r *ring) {
			r.header.Head = 64
			r.memory[HeaderSize] = 64
			r.memory[HeaderSize+44] = 1
			r.memory[HeaderSize+48] = 99
		},
	} {
		ring, err := newRing()
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
