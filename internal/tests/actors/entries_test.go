package actors_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

// withoutMain is the variable that has a test process forget to call Main.
const withoutMain = "INITSCRIPT_TEST_WITHOUT_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(withoutMain) != "" {
		os.Exit(m.Run())
	}
	testkit.Main(m)
}

// What actors do that end, beside the entries of actortest.
func init() {
	for name, entry := range map[string]func() error{
		"sleep":     func() error { testkit.WaitForEver(); return nil },
		"error":     func() error { return fmt.Errorf("no luck: %w", unix.EIO) },
		"longError": func() error { return errors.New(strings.Repeat("x", 1<<20)) },
		"panic":     func() error { panic("the cat is in the box") },
		"panicInGoroutine": func() error {
			go func() { panic(fmt.Errorf("the cat is out")) }()
			select {}
		},
		"goexit": func() error { runtime.Goexit(); return nil },
		"concurrent map writes": func() error {
			m := make(map[int]int)
			for range 2 {
				go func() {
					for i := 0; ; i++ {
						m[i%1000]++
					}
				}()
			}
			select {}
		},
		"forge": func() error {
			forgeReports()
			return errors.New("the truth")
		},
		"exit 3": func() error { os.Exit(3); return nil },
		"killed": func() error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) },
	} {
		initscript.Register(name, func(*initscript.Self) error { return entry() })
	}
}

// forgeReports tells the host what is not true, on every socket that could be the start socket: record
// kinds of csrc/wire.h, with an error, a line, a pid and two fields.
func forgeReports() {
	for fd := 5; fd < 200; fd++ {
		kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		if err != nil || kind != unix.SOCK_SEQPACKET {
			continue
		}
		for kind := uint32(1); kind < 20; kind++ {
			if kind == 12 { // INITSCRIPT_ENTRY_FAILED: an actor may say that
				continue
			}
			var message []byte
			for _, word := range []uint32{kind, uint32(unix.ENOENT), 1, 1, 2, 4} {
				message = binary.NativeEndian.AppendUint32(message, word)
			}
			message = append(message, "lies\x00\x00\x00\x00"...)
			unix.Sendto(fd, message, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, nil)
			unix.Sendmsg(fd, message, unix.UnixRights(0), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		}
	}
}
