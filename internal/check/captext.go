package check

import (
	"strings"

	"github.com/go-initscript/initscript/internal/lazyregexp"
)

var (
	capabilityName   = lazyregexp.New(`^cap_[a-z_]+$`)
	capabilityClause = lazyregexp.New(`^([a-z_,]*)((?:[=+-][eip]*)+)$`)
	capabilityAction = lazyregexp.New(`[=+-][eip]*`)
)

// parseCapabilities returns the effective set that a text in the notation of cap_from_text(3) gives.
func parseCapabilities(text string) (c capabilities, ok bool) {
	c = capabilities{known: true, names: map[string]bool{}}
	for _, clause := range strings.Fields(strings.ToLower(text)) {
		match := capabilityClause().FindStringSubmatch(clause)
		if match == nil {
			return capabilities{}, false
		}
		for _, action := range capabilityAction().FindAllString(match[2], -1) {
			effective := strings.Contains(action, "e")
			switch {
			case action[0] == '-' && effective, action[0] == '=' && !effective:
				effective = false
			case !effective:
				continue
			}
			if !c.set(match[1], effective) {
				return capabilities{}, false
			}
		}
	}
	return c, true
}

// set raises or lowers the capabilities of a list, where "all" and "" are all of them.
func (c *capabilities) set(list string, raise bool) bool {
	if list == "" || list == "all" {
		c.all, c.names = raise, map[string]bool{}
		return true
	}
	for name := range strings.SplitSeq(list, ",") {
		if !capabilityName().MatchString(name) || c.all && !raise {
			return false // all but some: not worth the effort
		}
		c.names[name] = raise
	}
	return true
}
