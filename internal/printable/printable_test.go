package printable

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"plain, é, 日本, 'x' \"y\"":  "plain, é, 日本, 'x' \"y\"",
		"\x1b]0;owned\x07\x1b[2J":  `\x1b]0;owned\a\x1b[2J`,
		"a\nb\tc\rd\x00\x7f":       `a\nb\tc\rd\x00\x7f`,
		"\u009b31m \u0085":         `\u009b31m \u0085`,
		"\u202egnp.\u2066 \u200b":  `\u202egnp.\u2066 \u200b`,
		"\x9b \xff\xe3\x81 \ufffd": `\x9b \xff\xe3\x81 ` + "\ufffd",
		"\U000e0001 \u00ad\ufeff":  `\U000e0001 \u00ad\ufeff`,
		"":                         "",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got, want := Lines("a\n\tb\x1b\r\n"), "a\n\tb\\x1b\\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever bytes there are, what is shown can be printed, and JSON says the same as before.
func FuzzPrintable(f *testing.F) {
	f.Add("\x1b[31m\u009b\u202e\xff\U000e0001\u2028\"\\")
	f.Fuzz(func(t *testing.T, text string) {
		bad := func(r rune) bool { return !unicode.IsPrint(r) }
		for _, shown := range []string{Line(text),
			strings.NewReplacer("\n", "", "\t", "").Replace(Lines(text))} {
			if !utf8.ValidString(shown) || strings.ContainsFunc(shown, bad) {
				t.Errorf("%q is shown as %q", text, shown)
			}
		}
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		if json.Unmarshal(encoded, &before) != nil || json.Unmarshal(JSON(encoded), &after) != nil ||
			before != after {
			t.Errorf("%q, %q", before, after)
		}
		if strings.ContainsFunc(string(JSON(encoded)), bad) {
			t.Errorf("%q", JSON(encoded))
		}
	})
}
