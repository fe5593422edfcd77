// Package printable makes text harmless that comes from somebody else, such as an actor: a terminal
// obeys what is in it, and a log has lines that nobody wrote.
package printable

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns the text as one line, in which what cannot be printed is written as in a string of Go:
// control characters with C1, what changes the direction of writing, bytes that are not UTF-8.
func Line(text string) string { return escape(text, "") }

// Lines is like Line, and keeps line feeds and tabs.
func Lines(text string) string { return escape(text, "\n\t") }

func escape(text, kept string) string {
	var out strings.Builder
	for i, size := 0, 0; i < len(text); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case unicode.IsPrint(r) || strings.ContainsRune(kept, r):
			out.WriteRune(r)
		default:
			out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return out.String()
}

// JSON returns the same JSON with the characters escaped that cannot be printed. It is for what
// encoding/json has made, which leaves some as they are, such as C1.
func JSON(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
