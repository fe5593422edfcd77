package main

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/examples/internal/exampletest"
	"github.com/go-initscript/initscript/internal/testkit"
)

// What somebody who has taken over the decoder would try.
func init() {
	for name, attack := range map[string]func() error{
		"open":     func() error { return first(os.Open("/etc/passwd")) },
		"open /":   func() error { return first(os.Open("/")) },
		"create":   func() error { return os.WriteFile("x", nil, 0o600) },
		"connect":  func() error { return first(net.Dial("tcp", "127.0.0.1:80")) },
		"kill":     func() error { return syscall.Kill(-1, 0) },
		"chdir":    func() error { return os.Chdir("..") },
		"execute":  func() error { return syscall.Exec("/proc/self/exe", nil, nil) },
		"unshare":  func() error { return syscall.Unshare(syscall.CLONE_NEWUSER) },
		"clone":    cloneUserNamespace,
		"identity": func() error { return syscall.Setuid(1) },
	} {
		attacks = append(attacks, name)
		initscript.Register(name, func(*initscript.Self) error { return attack() })
	}
}

var attacks []string

// cloneUserNamespace makes a child in a user namespace of its own, which has all capabilities there.
func cloneUserNamespace() error {
	const flags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | uintptr(syscall.SIGCHLD)
	child, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, flags, 0, 0, 0, 0, 0)
	for child == 0 && errno == 0 {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
	if errno != 0 {
		return errno
	}
	return nil
}

func first[T any](_ T, err error) error { return err }

func TestMain(m *testing.M) {
	initscript.Main()
	os.Exit(m.Run())
}

func picture() image.Image {
	canvas := image.NewRGBA(image.Rect(0, 0, 640, 320))
	for i := range canvas.Pix {
		canvas.Pix[i] = uint8(i * i)
	}
	canvas.Set(0, 0, color.RGBA{R: 255, A: 255})
	return canvas
}

func TestRun(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		directory := t.TempDir()
		encoders := map[string]func(io.Writer) error{
			"a.png": func(w io.Writer) error { return png.Encode(w, picture()) },
			"b.jpg": func(w io.Writer) error { return jpeg.Encode(w, picture(), nil) },
			"c.gif": func(w io.Writer) error { return gif.Encode(w, picture(), nil) },
		}
		var paths []string
		for name, encode := range encoders {
			var encoded bytes.Buffer
			if err := encode(&encoded); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(directory, name)
			if err := os.WriteFile(path, encoded.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
		if err := run(exampletest.Context(t), paths); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			file, err := os.Open(path + ".thumbnail.png")
			if err != nil {
				t.Fatal(err)
			}
			small, err := png.Decode(file)
			file.Close()
			if err != nil || small.Bounds() != image.Rect(0, 0, 64, 32) {
				t.Errorf("%s: %v, %v", path, small.Bounds(), err)
			}
		}
	})
}

func TestBadPictures(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	decoder, err := startDecoder(exampletest.Context(t), "thumbnails")
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	var whole bytes.Buffer
	if err := png.Encode(&whole, picture()); err != nil {
		t.Fatal(err)
	}
	huge := bytes.Replace(whole.Bytes(), []byte{0, 0, 2, 128, 0, 0, 1, 64},
		[]byte{127, 0, 0, 0, 127, 0, 0, 0}, 1)
	for text, bad := range map[string][]byte{
		"image: unknown format": []byte("no picture"),
		"not enough pixel data": whole.Bytes()[:whole.Len()/2],
		"dimension overflow":    huge,
	} {
		answer, err := request(exampletest.Context(t), decoder, bad)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%d bytes, %v; want %s", len(answer), err, text)
		}
	}
	if _, err := request(exampletest.Context(t), decoder, whole.Bytes()); err != nil {
		t.Errorf("a good one after them: %v", err)
	}
}

func TestNothingIsLeft(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	for _, attack := range attacks {
		actor, err := startDecoder(exampletest.Context(t), attack)
		if err != nil {
			t.Fatal(err)
		}
		actor.Close()
		if err := actor.Wait(); err == nil {
			t.Errorf("%s has worked", attack)
		} else {
			t.Logf("%s: %v", attack, err)
		}
	}
}
