//go:build linux

package hint

import "testing"

// The table is generated; these are what landlock(7) says.
func TestLandlockABI(t *testing.T) {
	for _, test := range []struct {
		call, name string
		want       int
	}{
		{"landlock_create_ruleset", "execute", 1},
		{"landlock_create_ruleset", "refer", 2},
		{"landlock_create_ruleset", "connect_tcp", 4},
		{"landlock_create_ruleset", "signal", 6},
		{"landlock_create_ruleset", "errata", 7},
		{"landlock_add_rule", "truncate", 3},
		{"landlock_add_rule", "bind_udp", 10},
		{"landlock_add_rule", "quiet", 10},
		{"landlock_add_rule", "signal", 0},
		{"landlock_restrict_self", "tsync", 8},
		{"landlock_restrict_self", "refer", 0},
		{"setns", "refer", 0},
	} {
		if got := landlockABI[test.call][test.name]; got != test.want {
			t.Errorf("%s, %s: ABI %d, want %d", test.call, test.name, got, test.want)
		}
	}
}
