package luasyntax

import (
	"math/big"
	"strconv"
	"strings"
)

// maxExponent is where LuaJIT ends reading an exponent.
const maxExponent = 1 << 20

// ParseNumber reads what LuaJIT takes for a number: decimal, hexadecimal or binary, with a point
// and an exponent, or with the suffix of a 64-bit integer or of an imaginary number.
func ParseNumber(text string) (kind NumberKind, value float64, ok bool) {
	rest := strings.ToLower(text)
	base, exponentLetter := 10, byte('e')
	switch {
	case strings.HasPrefix(rest, "0x"):
		base, exponentLetter, rest = 16, 'p', rest[2:]
	case strings.HasPrefix(rest, "0b"):
		base, exponentLetter, rest = 2, 0, rest[2:]
	}
	digits, rest := cutDigits(rest, base)
	integer := !strings.Contains(digits, ".")
	if strings.Trim(digits, ".") == "" || strings.Count(digits, ".") > 1 || base == 2 && !integer {
		return 0, 0, false
	}
	exponent := ""
	if exponentLetter != 0 && rest != "" && rest[0] == exponentLetter {
		if exponent, rest, ok = cutExponent(rest[1:]); !ok {
			return 0, 0, false
		}
		integer = false
	}
	switch {
	case rest == "":
	case rest == "i":
		kind = Imaginary
	case rest == "ll" && integer:
		kind = Int64
	case (rest == "ull" || rest == "llu") && integer:
		kind = Uint64
	default:
		return 0, 0, false
	}
	if kind == Int64 || kind == Uint64 || base == 2 {
		n, _ := new(big.Int).SetString(digits, base)
		significant := len(strings.TrimLeft(digits, "0"))
		if n.BitLen() > 64 || base == 2 && significant > 64 {
			return 0, 0, false
		}
		value, _ = new(big.Float).SetInt(n).Float64()
		return kind, value, true
	}
	value, ok = parseFloat(digits, base, exponent)
	return kind, value, ok
}

func cutDigits(s string, base int) (digits, rest string) {
	isDigit := func(c byte) bool {
		switch base {
		case 2:
			return c == '0' || c == '1'
		case 10:
			return '0' <= c && c <= '9'
		default:
			return isHexDigit(c)
		}
	}
	i := 0
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	return s[:i], s[i:]
}

func cutExponent(s string) (exponent, rest string, ok bool) {
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	first := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	size, err := strconv.Atoi("0" + s[first:i])
	// The first digit is read before the limit is looked at.
	return s[:i], s[i:], i > first && (i == first+1 || err == nil && size < maxExponent)
}

func parseFloat(digits string, base int, exponent string) (value float64, ok bool) {
	// Far too many decimals, more than any script has, are an error.
	if point := strings.IndexByte(digits, '.'); point >= 0 &&
		len(strings.TrimRight(digits[point+1:], "0")) >= maxExponent {
		return 0, false
	}
	text, letter := digits, "e"
	if base == 16 {
		text, letter = "0x"+digits, "p"
		if exponent == "" {
			exponent = "0"
		}
	}
	if exponent != "" {
		text += letter + exponent
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		// A number that is out of range is infinite.
		numError, isNumError := err.(*strconv.NumError)
		return value, isNumError && numError.Err == strconv.ErrRange
	}
	return value, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
