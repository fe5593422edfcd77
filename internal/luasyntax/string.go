package luasyntax

import (
	"strings"
	"unicode/utf8"
)

var simpleEscapes = map[int]byte{
	'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
	'\\': '\\', '"': '"', '\'': '\'',
}

// string reads a string in quotes.
func (l *lexer) string(t *token) {
	quote := l.peek()
	l.offset++
	var value strings.Builder
	shown := func() string { return string(rune(quote)) + value.String() }
	for l.peek() != quote {
		switch c := l.peek(); {
		case c == eof:
			fail(l.position(), string(tokenEOF), "unfinished string")
		case isLineEnd(c):
			fail(t.Position, shown(), "unfinished string")
		case c == '\\':
			pos := l.position()
			l.offset++
			if !l.escape(&value) {
				fail(pos, shown(), "invalid escape sequence")
			}
		default:
			value.WriteByte(byte(c))
			l.offset++
		}
	}
	l.offset++
	t.kind, t.value = tokenString, value.String()
	t.text = shown() + string(rune(quote))
}

// escape reads what follows a backslash.
func (l *lexer) escape(value *strings.Builder) bool {
	c := l.peek()
	if simple, ok := simpleEscapes[c]; ok {
		value.WriteByte(simple)
		l.offset++
		return true
	}
	switch {
	case c == eof: // which the caller reports
		return true
	case isLineEnd(c):
		value.WriteByte('\n')
		l.newline()
		return true
	case c == 'x':
		return l.hexEscape(value)
	case c == 'u':
		return l.unicodeEscape(value)
	case c == 'z':
		l.offset++
		l.skipWhite()
		return true
	default:
		return l.decimalEscape(value)
	}
}

func hexValue(c int) (value int, ok bool) {
	switch {
	case c == eof || !isHexDigit(byte(c)):
		return 0, false
	case isDigit(byte(c)):
		return c - '0', true
	default:
		return c | 0x20 - 'a' + 10, true
	}
}

func (l *lexer) hexEscape(value *strings.Builder) bool {
	high, ok1 := hexValue(l.at(1))
	low, ok2 := hexValue(l.at(2))
	if !ok1 || !ok2 {
		return false
	}
	value.WriteByte(byte(high<<4 | low))
	l.offset += len("xXX")
	return true
}

func (l *lexer) unicodeEscape(value *strings.Builder) bool {
	if l.at(1) != '{' {
		return false
	}
	l.offset += len("u{")
	r := 0
	for {
		digit, ok := hexValue(l.peek())
		if r = r<<4 | digit; !ok || r > utf8.MaxRune {
			return false
		}
		l.offset++
		if l.peek() == '}' {
			break
		}
	}
	l.offset++
	if !utf8.ValidRune(rune(r)) {
		return false
	}
	value.WriteRune(rune(r))
	return true
}

func (l *lexer) decimalEscape(value *strings.Builder) bool {
	n, digits := 0, 0
	for digits < 3 && l.peek() != eof && isDigit(byte(l.peek())) {
		n = n*10 + l.peek() - '0'
		l.offset++
		digits++
	}
	if digits == 0 || n > 255 {
		return false
	}
	value.WriteByte(byte(n))
	return true
}
