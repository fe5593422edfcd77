//go:build (linux || freebsd) && cgo

package initscript

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-initscript/initscript/internal/start"
)

// check finds what the child could not report better than we can.
func (c *Cmd) check() error {
	for _, s := range []struct{ field, value string }{
		{"Path", c.Path}, {"ScriptName", c.ScriptName},
	} {
		if err := checkString(s.field, s.value); err != nil {
			return err
		}
	}
	for _, list := range []struct {
		field  string
		values []string
	}{{"Args", c.Args}, {"Env", c.Env}} {
		for i, s := range list.values {
			if err := checkString(fmt.Sprintf("%s[%d]", list.field, i), s); err != nil {
				return err
			}
		}
	}
	for i, s := range c.Env {
		if strings.Index(s, "=") < 1 {
			field := fmt.Sprintf("Env[%d]", i)
			return &FieldError{field, fmt.Errorf("%q is not of the form key=value", s)}
		}
	}
	if err := checkScript(c.Script, c.scriptName()); err != nil {
		return err
	}
	if rest := c.Namespaces &^ allNamespaces; rest != 0 {
		return &FieldError{"Namespaces", fmt.Errorf("unknown namespace %s", rest)}
	}
	if c.Namespaces&NewUser == 0 && len(c.UIDMap)+len(c.GIDMap) > 0 {
		return &FieldError{"UIDMap", errors.New("id maps need NewUser in Namespaces")}
	}
	if c.MemoryLimit < 0 {
		return &FieldError{"MemoryLimit", fmt.Errorf("%d is negative", c.MemoryLimit)}
	}
	limit := start.MaxExtraFiles
	if c.Trace != nil {
		limit--
	}
	if len(c.ExtraFiles) > limit {
		err := fmt.Errorf("%d files; at most %d can be passed", len(c.ExtraFiles), limit)
		return &FieldError{"ExtraFiles", err}
	}
	return c.checkFiles()
}

// checkScript refuses what is no text.
func checkScript(script, name string) error {
	if i := strings.IndexByte(script, 0); i >= 0 {
		line := 1 + strings.Count(script[:i], "\n")
		return &FieldError{"Script", fmt.Errorf("%s:%d: NUL byte: not a Lua source text", name, line)}
	}
	return nil
}

func (c *Cmd) checkFiles() error {
	check := func(field string, value any) error {
		if file, ok := value.(*os.File); ok && file.Fd() == ^uintptr(0) {
			return &FieldError{field, errors.New("is nil or closed")}
		}
		return nil
	}
	for i, file := range c.ExtraFiles {
		if err := check(fmt.Sprintf("ExtraFiles[%d]", i), file); err != nil {
			return err
		}
	}
	if c.Arg != nil {
		if err := check("Arg", c.Arg); err != nil {
			return err
		}
	}
	return errors.Join(check("Stdin", c.Stdin), check("Stdout", c.Stdout), check("Stderr", c.Stderr))
}

// checkString refuses what execve(2) cannot carry.
func checkString(field, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return &FieldError{field, fmt.Errorf("%q contains a NUL byte", s)}
	}
	return nil
}

func (a *Actor) check() error {
	if a.Namespaces&NewTime != 0 && a.Namespaces&NewPID == 0 {
		const rule = "an actor enters a time namespace only together with NewPID"
		return &FieldError{"Namespaces", errors.New(rule)}
	}
	if err := a.checkModule(); err != nil || a.isLua() {
		return err
	}
	if !mainCalled.Load() {
		return errors.New("initscript: Spawn before Main: " +
			"main (in tests TestMain) has to call initscript.Main first")
	}
	if _, err := findEntry(a.Entry); err != nil {
		return &FieldError{"Entry", err}
	}
	return nil
}

func (a *Actor) checkModule() error {
	const rule = "exactly one of Entry, Module and ModuleSource has to be set"
	switch {
	case a.Entry == "" && a.Module == "" && a.ModuleSource == "":
		return &FieldError{"Entry", errors.New(rule)}
	case a.ModuleSource != "" && (a.Entry != "" || a.Module != ""):
		return &FieldError{"ModuleSource", errors.New(rule)}
	case a.Module != "" && a.Entry != "":
		return &FieldError{"Module", errors.New(rule)}
	case a.ModuleMemoryLimit < 0:
		return &FieldError{"ModuleMemoryLimit", fmt.Errorf("%d is negative", a.ModuleMemoryLimit)}
	case strings.Contains(a.ModuleSource, "\x00"):
		return &FieldError{"ModuleSource", errors.New("contains a NUL byte: not a Lua source text")}
	}
	if err := checkString("ModuleName", a.ModuleName); err != nil {
		return err
	}
	return checkString("Module", a.Module)
}

func (c *Confinement) check() error {
	if err := checkString("ScriptName", c.ScriptName); err != nil {
		return err
	}
	if err := checkScript(c.Script, c.scriptName()); err != nil {
		return err
	}
	if c.MemoryLimit < 0 {
		return &FieldError{"MemoryLimit", fmt.Errorf("%d is negative", c.MemoryLimit)}
	}
	if c.Arg != nil && c.Arg.Fd() == ^uintptr(0) {
		return &FieldError{"Arg", errors.New("is nil or closed")}
	}
	return nil
}

func (c *Confinement) scriptName() string { return cmp.Or(c.ScriptName, defaultScriptName) }
