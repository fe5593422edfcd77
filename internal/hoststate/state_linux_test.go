package hoststate

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// on runs do in a thread of its own, which ends with it.
func on(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		do()
	}()
	<-done
}

func TestRead(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func() error
		equal  bool
	}{
		{"nothing", func() error { return nil }, true},
		{"timer slack", func() error { return unix.Prctl(unix.PR_SET_TIMERSLACK, 777, 0, 0, 0) }, false},
	} {
		on(func() {
			first, files := First()
			defer files.Close()
			if err := test.change(); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			now, err := files.Read(&first)
			if err != nil || now == first != test.equal {
				t.Errorf("%s: equal: %t, %v\n%+v\n%+v", test.name, now == first, err, first, now)
			}
		})
	}
}

// What is read from files that are closed, or no longer these, equals nothing.
func TestReadOfLostFiles(t *testing.T) {
	on(func() {
		first, files := First()
		null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Dup3(null, files.fds[0], unix.O_CLOEXEC)
		}
		if err != nil {
			t.Error(err)
		}
		unix.Close(null)
		if now, err := files.Read(&first); err == nil || now == first {
			t.Errorf("with the null device in place of a file: %v", err)
		}
		files.Close()
		if now, err := files.Read(&first); err == nil || now == first {
			t.Errorf("after Close: %v", err)
		}
	})
	if now, err := (*Files)(nil).Read(nil); err == nil {
		t.Errorf("without files: %+v", now)
	}
}
