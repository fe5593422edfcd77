package luasyntax

import (
	"fmt"
	"slices"
	"strings"
)

// kind is the kind of a token: an operator or a keyword as it is written, or one of these.
type kind string

const (
	tokenEOF    kind = "<eof>"
	tokenName   kind = "<name>"
	tokenString kind = "<string>"
	tokenNumber kind = "<number>"
)

var keywords = []string{
	"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
	"local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
}

type token struct {
	Position
	kind kind
	text string // as messages show it
	// value is the name, or what the string stands for.
	value  string
	number Number
}

// lexer splits a source into tokens, as LuaJIT 2.1 does.
type lexer struct {
	source     string
	offset     int
	line       int
	lineStart  int // offset
	tokenCount int // on this line
	comments   []Comment
}

func newLexer(source string) *lexer {
	l := &lexer{source: source, line: 1}
	if strings.HasPrefix(source, "\uFEFF") {
		l.offset = len("\uFEFF")
	}
	if l.peek() == '#' {
		l.skipLine()
	}
	return l
}

// eof is no byte of a source.
const eof = -1

// at returns the byte at a distance, or eof.
func (l *lexer) at(distance int) int {
	if l.offset+distance < len(l.source) {
		return int(l.source[l.offset+distance])
	}
	return eof
}

func (l *lexer) peek() int { return l.at(0) }

func (l *lexer) position() Position {
	return Position{l.line, l.offset - l.lineStart + 1}
}

func isLineEnd(c int) bool { return c == '\n' || c == '\r' }

// newline skips one end of a line, which may have two different bytes.
func (l *lexer) newline() {
	first := l.peek()
	l.offset++
	if isLineEnd(l.peek()) && l.peek() != first {
		l.offset++
	}
	l.line++
	l.lineStart = l.offset
	l.tokenCount = 0
}

func (l *lexer) skipLine() {
	for c := l.peek(); c != eof && !isLineEnd(c); c = l.peek() {
		l.offset++
	}
}

func isNameByte(c int) bool {
	return c >= 0x80 || c == '_' || c >= 0 && (isDigit(byte(c)) || 'a' <= c|0x20 && c|0x20 <= 'z')
}

// Error is why a source is no Lua.
type Error struct {
	Position
	Message string // as LuaJIT puts it
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// noText is that of a zero byte, which messages do not show.
const noText = "\x00"

// fail ends parsing; Parse recovers it. An empty near is left out.
func fail(pos Position, near, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if near != "" && near != noText {
		message += " near '" + near + "'"
	}
	panic(&Error{pos, message})
}

// next returns the next token.
func (l *lexer) next() token {
	l.skipSpace()
	l.tokenCount++
	start := l.offset
	t := token{Position: l.position()}
	c := l.peek()
	switch {
	case c == eof:
		t.kind = tokenEOF
	case isDigit(byte(c)) || c == '.' && l.at(1) != eof && isDigit(byte(l.at(1))):
		l.number(&t)
	case isNameByte(c):
		for isNameByte(l.peek()) {
			l.offset++
		}
		t.kind, t.value = tokenName, l.source[start:l.offset]
		if slices.Contains(keywords, t.value) {
			t.kind = kind(t.value)
		}
	case c == '"' || c == '\'':
		l.string(&t)
	case c == '[' && (l.at(1) == '[' || l.at(1) == '='):
		level, ok := l.longBracket()
		if !ok {
			fail(t.Position, "["+strings.Repeat("=", level), "invalid long string delimiter")
		}
		t.kind = tokenString
		if t.value, ok = l.longText(level); !ok {
			fail(t.Position, string(tokenEOF), "unfinished long string")
		}
		signs := strings.Repeat("=", level)
		t.text = "[" + signs + "[" + t.value + "]" + signs + "]"
	default:
		l.symbol(&t)
	}
	if t.text == "" {
		t.text = l.source[start:l.offset]
	}
	if t.kind == tokenEOF {
		t.text = string(tokenEOF)
	}
	return t
}

// skipSpace skips white space and comments.
func (l *lexer) skipSpace() {
	for {
		l.skipWhite()
		if l.peek() != '-' || l.at(1) != '-' {
			return
		}
		l.comment()
	}
}

func (l *lexer) skipWhite() {
	for {
		switch c := l.peek(); {
		case isLineEnd(c):
			l.newline()
		case c == ' ' || c == '\t' || c == '\v' || c == '\f':
			l.offset++
		default:
			return
		}
	}
}

func (l *lexer) comment() {
	comment := Comment{Position: l.position(), Alone: l.tokenCount == 0}
	l.offset += len("--")
	start := l.offset
	if l.peek() == '[' {
		if level, ok := l.longBracket(); ok {
			if comment.Text, ok = l.longText(level); !ok {
				fail(comment.Position, string(tokenEOF), "unfinished long comment")
			}
			l.comments = append(l.comments, comment)
			return
		}
	}
	l.skipLine()
	comment.Text = l.source[start:l.offset]
	l.comments = append(l.comments, comment)
}

// longBracket skips "[=[". It returns the number of "=", also if no "[" follows them.
func (l *lexer) longBracket() (level int, ok bool) {
	l.offset++
	for l.peek() == '=' {
		l.offset++
		level++
	}
	if l.peek() != '[' {
		return level, false
	}
	l.offset++
	return level, true
}

// longText reads up to the closing bracket.
func (l *lexer) longText(level int) (text string, ok bool) {
	closing := "]" + strings.Repeat("=", level) + "]"
	var value strings.Builder
	if isLineEnd(l.peek()) {
		l.newline()
	}
	for !strings.HasPrefix(l.source[l.offset:], closing) {
		switch c := l.peek(); {
		case c == eof:
			return "", false
		case isLineEnd(c):
			value.WriteByte('\n')
			l.newline()
		default:
			value.WriteByte(byte(c))
			l.offset++
		}
	}
	l.offset += len(closing)
	return value.String(), true
}

// number reads all that looks like one number. A sign belongs to it after the letter of an exponent.
func (l *lexer) number(t *token) {
	start := l.offset
	exponentLetter := 'e'
	if l.peek() == '0' && l.at(1)|0x20 == 'x' {
		exponentLetter = 'p'
	}
	last := 0
	for {
		c := l.peek()
		if !isNameByte(c) && c != '.' && !((c == '-' || c == '+') && last|0x20 == int(exponentLetter)) {
			break
		}
		last = c
		l.offset++
	}
	text := l.source[start:l.offset]
	kind, value, ok := ParseNumber(text)
	if !ok {
		fail(t.Position, text, "malformed number")
	}
	t.kind = tokenNumber
	t.number = Number{t.Position, kind, value, text}
}

func (l *lexer) symbol(t *token) {
	for _, symbol := range []string{"...", "..", "==", ">=", "<=", "~=", "::"} {
		if strings.HasPrefix(l.source[l.offset:], symbol) {
			t.kind = kind(symbol)
			l.offset += len(symbol)
			return
		}
	}
	c := l.source[l.offset]
	l.offset++
	t.kind = kind(c)
	switch {
	case c == 0:
		t.text = noText
	case c < ' ' || c == 0x7f:
		t.text = fmt.Sprintf("char(%d)", c)
	}
}
