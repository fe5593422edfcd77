package main

import (
	"slices"
	"testing"

	"github.com/go-initscript/initscript"
)

func TestSizeFlag(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "4095": 4095, "512K": 512 << 10, "64M": 64 << 20, "2g": 2 << 30, "1024K": 1 << 20,
		"8589934591G": 8589934591 << 30,
	} {
		var size sizeFlag
		if err := size.Set(text); err != nil || int64(size) != want {
			t.Errorf("Set(%q): %d, %v; want %d", text, size, err, want)
		}
	}
	for _, text := range []string{"", "K", "0", "0M", "-1", "+1", "1.5M", "1T", "1KK", "1 K",
		"8589934592G", "9223372036854775808"} {
		if err := new(sizeFlag).Set(text); err == nil {
			t.Errorf("Set(%q) is accepted", text)
		}
	}
	for size, want := range map[sizeFlag]string{1: "1", 1023: "1023", 3 << 10: "3K", 64 << 20: "64M",
		1 << 30: "1G", 1<<30 + 1: "1073741825"} {
		if got := size.String(); got != want {
			t.Errorf("String() of %d: %q, want %q", int64(size), got, want)
		}
	}
}

func TestIDMapFlag(t *testing.T) {
	var idMap idMapFlag
	for _, text := range []string{"0:1000:1", "1:100000:65536", "7:4294967295:1"} {
		if err := idMap.Set(text); err != nil {
			t.Fatalf("Set(%q): %v", text, err)
		}
	}
	want := []initscript.IDMap{
		{ContainerID: 0, HostID: 1000, Size: 1},
		{ContainerID: 1, HostID: 100000, Size: 65536},
		{ContainerID: 7, HostID: 4294967295, Size: 1},
	}
	if !slices.Equal(idMap, want) {
		t.Errorf("got %v, want %v", idMap, want)
	}
	if got, want := idMap.String(), "0:1000:1,1:100000:65536,7:4294967295:1"; got != want {
		t.Errorf("String(): %q, want %q", got, want)
	}
	for _, text := range []string{"", "0", "0:0", "0:0:1:1", "a:0:1", "0::1", "-1:0:1", "0:0:4294967296",
		"0: 0:1"} {
		if err := new(idMapFlag).Set(text); err == nil {
			t.Errorf("Set(%q) is accepted", text)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("INITSCRIPT_TEST_SET", "of the caller")
	tests := []struct{ entries, want []string }{
		{nil, nil},
		{[]string{"A=1", "B=", "C=x=y"}, []string{"A=1", "B=", "C=x=y"}},
		{[]string{"A=1", "B=2", "A=3"}, []string{"A=3", "B=2"}},
		{[]string{"INITSCRIPT_TEST_SET"}, []string{"INITSCRIPT_TEST_SET=of the caller"}},
		{[]string{"INITSCRIPT_TEST_SET", "INITSCRIPT_TEST_SET=own"},
			[]string{"INITSCRIPT_TEST_SET=own"}},
	}
	for _, test := range tests {
		if got, err := environment(test.entries); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("environment(%q): %q, %v; want %q", test.entries, got, err, test.want)
		}
	}
	for _, entry := range []string{"", "=", "=x", "INITSCRIPT_TEST_NOT_SET"} {
		if env, err := environment([]string{entry}); err == nil {
			t.Errorf("environment(%q): %q, want an error", entry, env)
		}
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"plain":               "plain",
		"two\nlines\n":        `two\nlines`,
		"\x1b[31mred":         `\x1b[31mred`,
		"tab\there, it's ü":   `tab\there, it's ü`,
		"not UTF-8: \xff end": `not UTF-8: \xff end`,
	} {
		if got := oneLine(text); got != want {
			t.Errorf("oneLine(%q): %q, want %q", text, got, want)
		}
	}
}
