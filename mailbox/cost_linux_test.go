//go:build !asan

// The sanitizer allocates more than the program asks for.

package mailbox

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// No message costs more than it is said to: values for which the decoder allocates most compared
// with their size.
func TestMessageCost(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	list := func(n int, element func(int) any) []any {
		values := make([]any, n)
		for i := range values {
			values[i] = element(i)
		}
		return values
	}
	dictionary := func(n int, element func(int) (any, any)) map[any]any {
		entries := make(map[any]any)
		for i := range n {
			key, value := element(i)
			entries[key] = value
		}
		return entries
	}
	tests := map[string]any{
		"floats":             list(10000, func(i int) any { return float64(i) + 0.5 }),
		"integers":           list(10000, func(i int) any { return i + 1000 }),
		"short strings":      list(10000, func(int) any { return "x" }),
		"strings of 17":      list(10000, func(int) any { return text(17) }),
		"strings of 1025":    list(1000, func(int) any { return text(1025) }),
		"strings above 32K":  list(100, func(int) any { return text(32<<10 + 1) }),
		"bytes":              list(10000, func(int) any { return []byte{1} }),
		"empty arrays":       list(10000, func(int) any { return []any{} }),
		"arrays of one":      list(10000, func(i int) any { return []any{i + 1000} }),
		"empty maps":         list(10000, func(int) any { return map[string]any{} }),
		"maps of one string": list(10000, func(int) any { return map[string]any{"k": "v"} }),
		"maps of one float":  list(10000, func(i int) any { return map[any]any{float64(i) + .5: "v"} }),
	}
	for _, n := range []int{8, 9, 15, 113, 897, 3585, 7169, 28673} {
		tests[fmt.Sprintf("map of %d strings", n)] = dictionary(n, func(i int) (any, any) {
			return fmt.Sprint(i + 100000), "v"
		})
		tests[fmt.Sprintf("map of %d mixed", n)] = dictionary(n, func(i int) (any, any) {
			if i == 0 {
				return true, "x"
			}
			return fmt.Sprintf("%x", i), []byte("x")
		})
		tests[fmt.Sprintf("map of %d floats", n)] = dictionary(n, func(i int) (any, any) {
			return float64(i) + .5, []any{}
		})
	}
	scratch := make([]byte, maxInlineBody)
	for name, value := range tests {
		packet, _, err := encodeMessage(value, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		header, memfd := throughMemfd(t, packet)
		const calls = 5
		fds := make([][]int, calls+2)
		for i := range fds {
			fd, err := unix.FcntlInt(uintptr(memfd), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			fds[i] = []int{fd}
		}
		cost, limit := int64(0), int64(1<<40)
		decode := func() {
			d := takenDescriptors(fds[0])
			fds = fds[1:]
			decoder := messageDecoder{limit: limit, descriptors: d}
			if err := decoder.header(header, scratch); err != nil {
				t.Fatal(err)
			}
			if err := decoder.check(); err != nil {
				t.Fatal(err)
			}
			decoder.in.position = 0
			if _, err := decoder.value(); err != nil {
				t.Fatal(err)
			}
			d.close()
			cost = decoder.cost.bytes()
		}
		got := leastAllocated(calls, decode)
		if got > cost {
			t.Errorf("%s: %d bytes allocated, cost %d", name, got, cost)
		}
		t.Logf("%s: %d bytes of body, %d allocated, cost %d",
			name, len(packet)-messageHeaderSize, got, cost)

		// The sender counts the same, to the byte.
		if _, _, err := encodeMessage(value, cost); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := encodeMessage(value, cost-1); err == nil {
			t.Errorf("%s: costs less to its sender", name)
		}
		limit = cost
		decode()
		d := takenDescriptors(fds[0])
		_, err = decodeMessage(header, d, cost-1, scratch)
		if err == nil || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%s: %v", name, err)
		}
		d.close()
		unix.Close(memfd)
	}
}

// leastAllocated is the least of what several calls allocate: other goroutines of this process can only
// add to it.
func leastAllocated(calls int, f func()) int64 {
	least := int64(math.MaxInt64)
	for range calls {
		least = min(least, allocated(f))
	}
	return least
}

// The part of a map that gets more than its share of the keys is allocated and then found to be too
// small. How many parts do is chance; here it is all of the map, with the entries that take most.
func TestMessageCostOfUnluckyMap(t *testing.T) {
	for _, share := range []int{448, 896} { // what parts hold before they grow, and before they split
		value := make(map[any]any)
		for i := range share {
			value[fmt.Sprintf("%09d", i)] = []byte("x")
		}
		value[true] = "x"
		packet, _, err := encodeMessage(value, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		body := packet[messageHeaderSize:]
		decoder := messageDecoder{limit: 1 << 40, cost: messageCost{body: int64(len(body))}}
		unlucky := func() {
			decoder.in = bodyReader{window: body, size: int64(len(body)), memfd: -1}
			if _, err := decoder.in.head(); err != nil {
				t.Fatal(err)
			}
			entries := make(map[any]any, share)
			for range share + 1 {
				key, err := decoder.value()
				if err != nil {
					t.Fatal(err)
				}
				if entries[key], err = decoder.value(); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := leastAllocated(5, unlucky)
		decoder.in = bodyReader{window: body, size: int64(len(body)), memfd: -1}
		if err := decoder.check(); err != nil {
			t.Fatal(err)
		}
		if cost := decoder.cost.bytes(); got > cost {
			t.Errorf("map of %d: %d bytes allocated, cost %d", share+1, got, cost)
		}
	}
}
