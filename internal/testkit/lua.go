//go:build linux

package testkit

import (
	_ "embed"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"
)

//go:embed prelude.txtar
var preludeArchive []byte

// preludes has the pieces of Lua that cases share, by name.
var preludes = sync.OnceValue(func() map[string]string {
	texts := make(map[string]string)
	for _, section := range txtar.Parse(preludeArchive).Files {
		texts[section.Name] = oneLine(string(section.Data))
	}
	return texts
})

// oneLine makes one line of Lua of several, without their comments: what follows it stays on its line.
func oneLine(text string) string {
	var line strings.Builder
	for part := range strings.Lines(text) {
		code, _, _ := strings.Cut(part, "--")
		if code = strings.TrimSpace(code); code != "" {
			line.WriteString(code + " ")
		}
	}
	return line.String()
}

var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// ExpandLua replaces each ${NAME} in a text by what it stands for.
func ExpandLua(text string) (string, error) {
	var failure error
	expanded := reference.ReplaceAllStringFunc(text, func(match string) string {
		words := strings.Fields(match[2 : len(match)-1])
		lua, ok := preludes()[words[0]]
		if ok {
			lua, err := ExpandLua(lua)
			if err != nil {
				failure = err
			}
			return strings.TrimSuffix(lua, " ")
		}
		lua, err := value(words[0], words[1:])
		if err != nil {
			failure = fmt.Errorf("%s: %w", match, err)
		}
		return lua
	})
	return expanded, failure
}

// Lua returns the text of a name in prelude.txtar, on one line.
func Lua(name string) string {
	text, err := ExpandLua("${" + name + "}")
	if err != nil {
		panic(err)
	}
	return text + " "
}

// value returns what is computed:
//
//	pid                     the id of this process
//	repeat TEXT N           TEXT, N times
//	allow                   a filter that allows everything
//	number CALL             the number of a system call
//	errno NAME              that of an errno
//	filter CALL VERDICT     a filter with that verdict for one system call, an errno or an action
//	prctl OPTION ERRNO      one for prctl(2) with a second argument
//	echo CALL N             one that answers with the Nth argument as errno
//	filled-groups           one that refuses getgroups(2) but where it only counts
func value(name string, args []string) (string, error) {
	switch {
	case name == "pid":
		return strconv.Itoa(os.Getpid()), nil
	case name == "allow":
		return AllowAll, nil
	case name == "filled-groups":
		return refuseFilledGroups, nil
	case name == "repeat" && len(args) == 2:
		n, err := strconv.Atoi(args[1])
		return strings.Repeat(args[0], max(n, 0)), err
	case name == "number" && len(args) == 1:
		number, err := systemCall(args[0])
		return fmt.Sprint(number), err
	case name == "errno" && len(args) == 1:
		number, err := errno(args[0])
		return fmt.Sprint(int(number)), err
	case name == "filter" && len(args) == 2:
		verdict, err := verdict(args[1])
		if err != nil {
			return "", err
		}
		number, err := systemCall(args[0])
		return Filter(number, verdict), err
	case name == "prctl" && len(args) == 2:
		verdict, err := verdict(args[1])
		if err != nil {
			return "", err
		}
		option, err := strconv.Atoi(args[0])
		return PrctlFilter(uint32(option), verdict), err
	case name == "echo" && len(args) == 2:
		number, err := systemCall(args[0])
		if err != nil {
			return "", err
		}
		n, err := strconv.Atoi(args[1])
		return Echo(number, uint32(FirstArgument+8*(n-1))), err
	}
	return "", fmt.Errorf("not known")
}

func verdict(name string) (uint32, error) {
	actions := map[string]uint32{
		"KILL_PROCESS": unix.SECCOMP_RET_KILL_PROCESS, "KILL_THREAD": unix.SECCOMP_RET_KILL_THREAD,
		"TRAP": unix.SECCOMP_RET_TRAP, "LOG": unix.SECCOMP_RET_LOG, "TRACE": unix.SECCOMP_RET_TRACE,
		"USER_NOTIF": unix.SECCOMP_RET_USER_NOTIF, "ALLOW": unix.SECCOMP_RET_ALLOW,
	}
	if action, ok := actions[name]; ok {
		return action, nil
	}
	number, err := errno(name)
	return unix.SECCOMP_RET_ERRNO | uint32(number), err
}

func systemCall(name string) (uint32, error) {
	numbers := map[string]uint32{
		"chdir": unix.SYS_CHDIR, "prctl": unix.SYS_PRCTL, "close_range": unix.SYS_CLOSE_RANGE,
		"fcntl": unix.SYS_FCNTL, "keyctl": unix.SYS_KEYCTL, "getgroups": unix.SYS_GETGROUPS,
		"seccomp": unix.SYS_SECCOMP, "getpid": unix.SYS_GETPID, "getuid": unix.SYS_GETUID,
		"landlock_create_ruleset": unix.SYS_LANDLOCK_CREATE_RULESET,
		"landlock_add_rule":       unix.SYS_LANDLOCK_ADD_RULE,
		"landlock_restrict_self":  unix.SYS_LANDLOCK_RESTRICT_SELF,
	}
	if number, ok := numbers[name]; ok {
		return number, nil
	}
	return 0, fmt.Errorf("no number of %s is known here", name)
}
