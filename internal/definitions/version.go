package definitions

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript/internal/lazyregexp"
)

// Version is that of a kernel. The zero Version is before all others.
type Version struct{ Major, Minor, Patch int }

// ParseVersion reads "5.15" or "5.15.3"; what follows a sign after that, as in "6.1.0-18-amd64", does
// not count.
func ParseVersion(text string) (Version, error) {
	match := versionText().FindStringSubmatch(text)
	if match == nil {
		return Version{}, fmt.Errorf("%q is no version, such as 5.15", text)
	}
	var numbers [3]int
	for i := range numbers {
		numbers[i], _ = strconv.Atoi(match[i+1])
	}
	return Version{numbers[0], numbers[1], numbers[2]}, nil
}

var versionText = lazyregexp.New(`^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:[-+].*)?$`)

// Less reports whether v is older than w.
func (v Version) Less(w Version) bool {
	if v.Major != w.Major {
		return v.Major < w.Major
	}
	if v.Minor != w.Minor {
		return v.Minor < w.Minor
	}
	return v.Patch < w.Patch
}

func (v Version) String() string {
	if v.Patch == 0 {
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

var (
	kernelText    = lazyregexp.New(`^(?:any|FreeBSD(?: [\d.]+)?|Linux (\d+\.\d+(?:\.\d+)?))(?:[.;,]|$)`)
	linuxText     = lazyregexp.New(`\(Linux (\d+\.\d+(?:\.\d+)?)[;)]`)
	sinceSuffix   = lazyregexp.New(`\((?:(ABI|Linux) )?(\d+(?:\.\d+)*)\)$`)
	abiRow        = lazyregexp.New(`^\| (?:ABI|Linux) \|`)
	privilegeText = lazyregexp.New("^`(CAP_\\w+)`\\.")
	errNoKernel   = errors.New("the paragraph Kernel does not begin with any, Linux and a " +
		"version, or FreeBSD")
	errNoLandlock = errors.New("there is no table of ABI and Linux versions")
)

// Kernel returns the first version of Linux that has a Function, which is zero if every one has it.
func (b *Block) Kernel() (Version, error) {
	for _, line := range b.Text {
		if match := label().FindStringSubmatch(line); match != nil && match[1] == "Kernel" {
			kernel := kernelText().FindStringSubmatch(match[2])
			if kernel == nil {
				return Version{}, fmt.Errorf("%s: %w", b.Name, errNoKernel)
			}
			if kernel[1] == "" {
				return Version{}, nil
			}
			return ParseVersion(kernel[1])
		}
	}
	return Version{}, fmt.Errorf("%s: %w", b.Name, errNoKernel)
}

// Capability returns the capability that a Function needs whatever its arguments are, as in "cap_chown",
// or "". The paragraph Privilege is then that capability and a full stop.
func (b *Block) Capability() string {
	for _, line := range b.Text {
		if match := label().FindStringSubmatch(line); match != nil && match[1] == "Privilege" {
			if capability := privilegeText().FindStringSubmatch(match[2]); capability != nil {
				return strings.ToLower(capability[1])
			}
		}
	}
	return ""
}

// Kernel returns the first version of Linux that has a constant, which is zero if it is as old as
// what it is for.
func (v *Value) Kernel() Version {
	match := linuxText().FindStringSubmatch(v.Text)
	if match == nil {
		return Version{}
	}
	version, _ := ParseVersion(match[1])
	return version
}

// Since returns the versions at the ends of texts, as in "(ABI 3)" or "(Linux 4.14)". What the first
// one counts holds for all. There are as many as values, with "" where there is none.
func Since(values []Value) (unit string, versions []string) {
	for _, value := range values {
		match := sinceSuffix().FindStringSubmatch(value.Text)
		if match == nil {
			versions = append(versions, "")
			continue
		}
		if len(versions) == 0 {
			unit = match[1]
		}
		versions = append(versions, match[2])
	}
	return unit, versions
}

// LandlockABIs returns the first version of Linux that has each version of Landlock, from 1 up.
func LandlockABIs(blocks []Block) ([]Version, error) {
	for _, block := range blocks {
		var rows [][]string
		for _, line := range block.Text {
			if abiRow().MatchString(line) {
				cells := strings.Split(strings.Trim(line, "| "), "|")
				rows = append(rows, cells[1:])
			}
		}
		if len(rows) != 2 || len(rows[0]) != len(rows[1]) {
			continue
		}
		var versions []Version
		for i, cell := range rows[1] {
			version, err := ParseVersion(strings.TrimSpace(cell))
			if err != nil || strings.TrimSpace(rows[0][i]) != strconv.Itoa(i+1) {
				return nil, fmt.Errorf("ABI %s, Linux %s: not in order, or no version", rows[0][i], cell)
			}
			versions = append(versions, version)
		}
		return versions, nil
	}
	return nil, errNoLandlock
}
