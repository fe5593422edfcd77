//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const sixCloneFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID |
	unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC

var (
	unshareSix = []string{
		"unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--net", "--uts",
		"--ipc", programToExec,
	}
	bwrapSix    = []string{"bwrap", "--unshare-all", "--ro-bind", "/", "/", programToExec}
	firejailBox = []string{
		"firejail", "--quiet", "--noprofile", "--net=none", "--private-dev", "--private-tmp",
		"--caps.drop=all", "--nonewprivs", "--hostname=box", "--", programToExec,
	}
)

// bwrapBox is examples/rootless-box.lua in the terms of bubblewrap, but for the seccomp filter.
func bwrapBox() []string {
	argv := []string{
		"bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-ipc",
		"--uid", "0", "--gid", "0", "--hostname", "box", "--cap-drop", "ALL",
		"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
	}
	for _, path := range readOnlyTrees() {
		argv = append(argv, "--ro-bind", path, path)
	}
	for name, target := range programLinks() {
		argv = append(argv, "--symlink", target, "/"+name)
	}
	return append(argv, "--remount-ro", "/", programToExec)
}

var programDirectories = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// readOnlyTrees lists what the box shows of the host.
func readOnlyTrees() []string {
	trees := []string{"/usr", "/etc"}
	for _, name := range programDirectories {
		if info, err := os.Lstat("/" + name); err == nil && info.IsDir() {
			trees = append(trees, "/"+name)
		}
	}
	return trees
}

// programLinks lists the symbolic links of systems with a merged /usr.
func programLinks() map[string]string {
	links := make(map[string]string)
	for _, name := range programDirectories {
		if _, err := os.Readlink("/" + name); err == nil {
			links[name] = "usr/" + name
		}
	}
	return links
}

// wholeProcess measures a program from its start to its end. Only where it fails is it run once
// more, to hear why.
func wholeProcess(argv ...string) func() (time.Duration, error) {
	path, err := exec.LookPath(argv[0])
	return func() (time.Duration, error) {
		if err != nil {
			return 0, err
		}
		cmd := exec.Command(path, argv[1:]...)
		begin := time.Now()
		runErr := cmd.Run()
		took := time.Since(begin)
		if runErr != nil {
			return 0, explain(argv)
		}
		return took, nil
	}
}

func explain(argv []string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err == nil {
		return errors.New("fails sometimes")
	}
	text := strings.ReplaceAll(string(bytes.TrimSpace(out)), "\n", "; ")
	return fmt.Errorf("%w: %s", err, text)
}

// osExec measures the standard library.
func osExec(flags uintptr) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		cmd := exec.Command(programToExec)
		if flags != 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  flags,
				UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
			}
		}
		begin := time.Now()
		err := cmd.Run()
		return time.Since(begin), err
	}
}

// bundle is the box as a directory that OCI runtimes run.
type bundle struct {
	path  string
	count int // of containers so far, for their names
}

func (b *bench) makeBundle() (*bundle, error) {
	path := filepath.Join(b.temp, "bundle")
	root := filepath.Join(path, "rootfs")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	for name, target := range programLinks() {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			return nil, err
		}
	}
	config, err := json.MarshalIndent(bundleConfig(), "", "\t")
	if err != nil {
		return nil, err
	}
	return &bundle{path: path}, os.WriteFile(filepath.Join(path, "config.json"), config, 0o644)
}

type object map[string]any

// bundleConfig says what examples/rootless-box.lua does, in the terms of the OCI runtime
// specification, but for the seccomp filter.
func bundleConfig() object {
	mount := func(target, kind, source string, options ...string) object {
		return object{"destination": target, "type": kind, "source": source, "options": options}
	}
	mounts := []object{mount("/proc", "proc", "proc", "nosuid", "nodev", "noexec")}
	for _, path := range readOnlyTrees() {
		mounts = append(mounts, mount(path, "bind", path, "rbind", "ro", "nosuid"))
	}
	mounts = append(mounts,
		mount("/dev", "tmpfs", "tmpfs", "nosuid", "mode=755"),
		mount("/dev/shm", "tmpfs", "shm", "nosuid", "nodev", "mode=1777"),
		mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666",
			"mode=0620"),
		mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777"),
	)
	var namespaces []object
	for _, kind := range []string{"user", "mount", "pid", "network", "uts", "ipc"} {
		namespaces = append(namespaces, object{"type": kind})
	}
	idMap := func(id int) []object {
		return []object{{"containerID": 0, "hostID": id, "size": 1}}
	}
	return object{
		"ociVersion": "1.0.2",
		"process": object{
			"args": []string{programToExec}, "cwd": "/", "noNewPrivileges": true,
			"user": object{"uid": 0, "gid": 0}, "capabilities": object{},
		},
		"root":     object{"path": "rootfs", "readonly": true},
		"hostname": "box",
		"mounts":   mounts,
		"linux": object{
			"namespaces":  namespaces,
			"uidMappings": idMap(os.Geteuid()),
			"gidMappings": idMap(os.Getegid()),
		},
	}
}

// run measures an OCI runtime. It keeps its state beside the bundle.
func (b *bundle) run(runtime string, flags ...string) func() (time.Duration, error) {
	argv := append([]string{runtime, "--root", filepath.Join(b.path, runtime)}, flags...)
	argv = append(argv, "run", "--bundle", b.path)
	return func() (time.Duration, error) {
		b.count++
		return wholeProcess(append(argv[:len(argv):len(argv)],
			fmt.Sprintf("bench-%d-%d", os.Getpid(), b.count))...)()
	}
}
