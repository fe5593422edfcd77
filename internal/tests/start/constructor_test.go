package start_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/testkit"

	"golang.org/x/sys/unix"
)

// A marker in the environment that no host has put there must do nothing but vanish.
func TestConstructorIsInert(t *testing.T) {
	if os.Getenv("INITSCRIPT_TEST_INERT") == "1" {
		for _, entry := range os.Environ() {
			if strings.HasPrefix(entry, "INITSCRIPT_SERVER") {
				fmt.Println("leaked", entry)
			}
		}
		fmt.Println("the program runs, page size", os.Getpagesize())
		return
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	silent, far := os.NewFile(uintptr(pair[0]), ""), os.NewFile(uintptr(pair[1]), "")
	defer silent.Close()
	defer far.Close()
	stream, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	wrongType, wrongFar := os.NewFile(uintptr(stream[0]), ""), os.NewFile(uintptr(stream[1]), "")
	defer wrongType.Close()
	defer wrongFar.Close()

	tests := []struct {
		name, marker string
		file         *os.File
		greeting     string
	}{
		{"empty", "", nil, ""},
		{"no number", "three", nil, ""},
		{"number with rest", "3x", far, greetingText},
		{"standard input", "0", nil, ""},
		{"closed descriptor", "77", nil, ""},
		{"no socket", "3", os.Stdin, ""},
		{"stream socket", "3", wrongFar, ""},
		{"no greeting", "3", far, ""},
		{"wrong greeting", "3", far, "initscript fork server, protocol 1"},
		{"negative", "-1", nil, ""},
		{"huge", "99999999999999999999", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe", "-test.run=^TestConstructorIsInert$")
			cmd.Env = append([]string{"INITSCRIPT_SERVER=" + test.marker}, os.Environ()...)
			cmd.Env = append(cmd.Env, "INITSCRIPT_TEST_INERT=1")
			if test.file != nil {
				cmd.ExtraFiles = []*os.File{test.file}
			}
			if test.greeting != "" {
				if _, err := unix.Write(pair[0], encodeGreeting(test.greeting)); err != nil {
					t.Fatal(err)
				}
				defer unix.Recvfrom(pair[1], make([]byte, 100), unix.MSG_DONTWAIT)
			}
			cmd.WaitDelay = time.Second
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "the program runs") ||
				strings.Contains(string(out), "leaked") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// The counterpart, so that the tests around it do not pass for a wrong reason.
func TestConstructorServesItsParent(t *testing.T) {
	host, far := testkit.Socketpair(t)
	if _, err := host.Write(encodeGreeting(greetingText)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestConstructorIsInert$")
	cmd.Env = []string{"INITSCRIPT_SERVER=3", "INITSCRIPT_TEST_INERT=1"}
	cmd.ExtraFiles = []*os.File{far}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	far.Close()
	answer := make([]byte, 100)
	n, err := host.Read(answer)
	if err != nil || string(answer[:n]) != string(encodeGreeting(greetingText)) {
		t.Errorf("answer: %q, %v", answer[:n], err)
	}
	host.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server ended with: %v", err)
	}
}

// The right greeting on a socket whose other end the parent did not make.
func TestConstructorIgnoresStrangersSocket(t *testing.T) {
	if os.Getenv("INITSCRIPT_TEST_INERT") == "1" {
		fmt.Println("the program runs")
		return
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	far := os.NewFile(uintptr(pair[1]), "")
	defer unix.Close(pair[0])
	defer far.Close()
	if _, err := unix.Write(pair[0], encodeGreeting(greetingText)); err != nil {
		t.Fatal(err)
	}
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	// The shell in between is the parent; the socket is ours.
	cmd := exec.Command("/bin/sh", "-c",
		"/proc/self/fd/4 -test.run='^TestConstructorIgnoresStrangersSocket$'; exit $?")
	cmd.Env = append(os.Environ(), "INITSCRIPT_SERVER=3", "INITSCRIPT_TEST_INERT=1")
	cmd.ExtraFiles = []*os.File{far, program}
	out, err := cmd.CombinedOutput()
	if err != nil || !slices.Contains(strings.Split(string(out), "\n"), "the program runs") {
		t.Errorf("%v\n%s", err, out)
	}
}

const greetingText = "initscript fork server, protocol 7"

// encodeGreeting lays out struct initscript_greeting without capabilities.
func encodeGreeting(text string) []byte {
	greeting := make([]byte, 64)
	copy(greeting, text)
	return greeting
}
