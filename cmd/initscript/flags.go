//go:build (linux || freebsd) && cgo

package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript"
)

// namespacesFlag is a set of namespaces; each use of the flag adds to it.
type namespacesFlag initscript.Namespaces

func (f *namespacesFlag) Type() string   { return "LIST" }
func (f *namespacesFlag) String() string { return initscript.Namespaces(*f).String() }

func (f *namespacesFlag) Set(list string) error {
	set, err := initscript.ParseNamespaces(list)
	*f |= namespacesFlag(set)
	return err
}

// idMapFlag is an id map; each use of the flag adds a range.
type idMapFlag []initscript.IDMap

func (f *idMapFlag) Type() string { return "IN:OUT:N" }

func (f *idMapFlag) String() string {
	ranges := make([]string, len(*f))
	for i, m := range *f {
		ranges[i] = fmt.Sprintf("%d:%d:%d", m.ContainerID, m.HostID, m.Size)
	}
	return strings.Join(ranges, ",")
}

func (f *idMapFlag) Set(text string) error {
	fields := strings.Split(text, ":")
	if len(fields) != 3 {
		return errors.New("not of the form IN:OUT:N")
	}
	var numbers [3]int
	for i, field := range fields {
		number, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is not a number of 32 bits", field)
		}
		numbers[i] = int(number)
	}
	*f = append(*f, initscript.IDMap{ContainerID: numbers[0], HostID: numbers[1], Size: numbers[2]})
	return nil
}

// sizeFlag is a number of bytes, as in "512K", "64M" or "1G".
type sizeFlag int64

func (f *sizeFlag) Type() string { return "SIZE" }

func (f *sizeFlag) String() string {
	for _, unit := range []struct {
		size   sizeFlag
		suffix string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if *f > 0 && *f%unit.size == 0 {
			return fmt.Sprintf("%d%s", *f/unit.size, unit.suffix)
		}
	}
	return strconv.FormatInt(int64(*f), 10)
}

func (f *sizeFlag) Set(text string) error {
	digits := strings.TrimRight(text, "KkMmGg")
	var shift uint
	switch strings.ToUpper(text[len(digits):]) {
	case "":
	case "K":
		shift = 10
	case "M":
		shift = 20
	case "G":
		shift = 30
	default:
		return errors.New("more than one unit")
	}
	number, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || number == 0 || number > math.MaxInt64>>shift {
		return errors.New("not a positive number of bytes, which may end with K, M or G")
	}
	*f = sizeFlag(number << shift)
	return nil
}

// environment makes the program's environment of the values of --env. The last of several entries
// for one name counts; a name without a value gets the caller's.
func environment(entries []string) ([]string, error) {
	var env []string
	position := make(map[string]int)
	for _, entry := range entries {
		name, _, hasValue := strings.Cut(entry, "=")
		if name == "" {
			return nil, fmt.Errorf("--env %q: there is no name", entry)
		}
		if !hasValue {
			value, ok := os.LookupEnv(name)
			if !ok {
				return nil, fmt.Errorf("--env %s: not set in the environment of the caller", name)
			}
			entry = name + "=" + value
		}
		if i, ok := position[name]; ok {
			env[i] = entry
			continue
		}
		position[name] = len(env)
		env = append(env, entry)
	}
	return env, nil
}
