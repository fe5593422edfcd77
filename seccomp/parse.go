package seccomp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ParsePolicy reads the text of a policy, which docs/reference/seccomp.md describes. What cannot be
// meant in a text is an error here and none in a policy of Go values: conditions that are never or
// always true, and rules that earlier ones leave nothing of. Whether a system call exists is checked by
// [Policy.Compile]. Errors: *[Error].
func ParsePolicy(text []byte) (*Policy, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	policy := &Policy{}
	err = eachKey(root, "the policy", func(key string, value *yaml.Node) (err error) {
		switch key {
		case "default_action":
			policy.DefaultAction, err = parseAction(value)
		case "rules":
			policy.Rules, err = parseList(value, "rules", parseRule)
		default:
			err = errUnknownKey
		}
		return err
	})
	if err == nil {
		err = policy.check()
	}
	if err == nil {
		err = policy.checkLogic()
	}
	if err != nil {
		return nil, err
	}
	return policy, nil
}

// parseYAML returns the root of the only document, if that is not empty.
//
// yaml/v3 compiles regular expressions when a program starts that is linked with it: 0.5 ms, 276
// allocations. yaml/v4 does more of that (489). goccy/go-yaml does less (24), but does not read all
// texts as YAML says: of {arg: 1, w:dth: 32} it makes the key "w", and an invalid text it may repair.
func parseYAML(text []byte) (*yaml.Node, error) {
	var document, next yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	err := decoder.Decode(&document)
	if err == nil {
		if err = decoder.Decode(&next); err == nil {
			return nil, nodeError(&next, "a second document")
		}
	} else if err == io.EOF {
		return nil, &Error{Err: errors.New("the text is empty")}
	}
	if err != io.EOF {
		return nil, syntaxError(err)
	}
	return document.Content[0], nil
}

// syntaxError takes the line out of "yaml: line 5: did not find ...".
func syntaxError(err error) error {
	text, is := strings.CutPrefix(err.Error(), "yaml: ")
	if !is {
		return &Error{Err: err}
	}
	place, rest, found := strings.Cut(text, ": ")
	number, isLine := strings.CutPrefix(place, "line ")
	if line, err := strconv.Atoi(number); found && isLine && err == nil {
		return &Error{Line: line, Err: errors.New(rest)}
	}
	return &Error{Err: errors.New(text)}
}

func parseRule(node *yaml.Node) (Rule, error) {
	rule := Rule{line: node.Line}
	err := eachKey(node, "a rule", func(key string, value *yaml.Node) (err error) {
		switch key {
		case "names":
			rule.Names, err = parseList(value, "names", func(name *yaml.Node) (string, error) {
				rule.nameLines = append(rule.nameLines, name.Line)
				return parseText(name, "a name")
			})
		case "action":
			rule.Action, err = parseAction(value)
		case "args":
			rule.Args, err = parseList(value, "args", parseArg)
		case "optional":
			rule.Optional = value.Value == "true"
			if !isPlain(value) || !rule.Optional && value.Value != "false" {
				err = nodeError(value, "optional must be true or false")
			}
		default:
			err = errUnknownKey
		}
		return err
	})
	return rule, err
}

func parseArg(node *yaml.Node) (Condition, error) {
	arg := Condition{Arg: -1, line: node.Line}
	err := eachKey(node, "a condition", func(key string, value *yaml.Node) (err error) {
		switch isTest := Op(key).known(); {
		case key == "arg":
			arg.Arg, err = parseSmall(value)
		case key == "width":
			arg.Width, err = parseSmall(value)
		case key == "mask":
			arg.Mask, err = parseNumber(value, 64)
			if err == nil && arg.Mask == 0 {
				err = nodeError(value, "mask must not be 0")
			}
		case isTest && arg.Op != "":
			err = nodeError(value, "a condition has one comparison; this has %q and %q", arg.Op, key)
		case isTest:
			arg.Op = Op(key)
			arg.Value, err = parseNumber(value, 64)
		default:
			err = errUnknownKey
		}
		return err
	})
	switch {
	case err != nil:
		return arg, err
	case arg.Arg == -1:
		return arg, nodeError(node, "the condition has no arg")
	case arg.Width == 0:
		return arg, nodeError(node, "the condition has no width")
	case arg.Op == "":
		return arg, nodeError(node, "the condition has no comparison: eq, ne, lt, le, gt or ge")
	}
	return arg, nil
}

// parseAction reads the name of an action, or {errno: NAME}.
func parseAction(node *yaml.Node) (Action, error) {
	var action Action
	if node.Kind != yaml.MappingNode {
		name, err := parseText(node, "an action")
		if err != nil {
			return 0, err
		}
		action, known := actionNamed(name)
		if !known {
			return 0, nodeError(node, "unknown action %q", name)
		}
		return action, nil
	}
	err := eachKey(node, "an action", func(key string, value *yaml.Node) error {
		if key != "errno" {
			return errUnknownKey
		}
		var err error
		action, err = parseErrno(value)
		return err
	})
	if err == nil && action == 0 {
		err = nodeError(node, "no action is given")
	}
	return action, err
}

// parseErrno reads a number of Linux, or a name.
func parseErrno(node *yaml.Node) (Action, error) {
	text, err := parseScalar(node, "errno")
	if err != nil {
		return 0, err
	}
	if strings.HasPrefix(text, "E") {
		number, known := errnoNamed(text)
		if !known {
			return 0, nodeError(node, "unknown errno %q", text)
		}
		return errnoAction(number), nil
	}
	number, err := parseNumber(node, 64)
	if err == nil && number > maxErrno {
		err = nodeError(node, "errno %d: the largest is %d", number, maxErrno)
	}
	return errnoAction(number), err
}

// isNumber reports whether the text is a number that means the same in all versions of YAML: 010 is 8 or
// 10, and 0b1, 0o7 and 1_0 are numbers or texts.
func isNumber(text string) bool {
	if digits, is := strings.CutPrefix(text, "0x"); is {
		return digits != "" && strings.Trim(digits, "0123456789abcdefABCDEF") == ""
	}
	return text == "0" || text != "" && text[0] != '0' && strings.Trim(text, "0123456789") == ""
}

func parseNumber(node *yaml.Node, bits int) (uint64, error) {
	text, err := parseScalar(node, "a number")
	if err != nil {
		return 0, err
	}
	number, err := strconv.ParseUint(text, 0, bits)
	_, errDecimal := strconv.ParseUint(text, 10, bits)
	switch {
	case !isNumber(text) && (err == nil || errDecimal == nil):
		return 0, nodeError(node,
			"%q: numbers are decimal, without a zero before them, or hexadecimal with 0x", text)
	case err != nil:
		return 0, nodeError(node, "%q is not a number of %d bits", text, bits)
	case !isPlain(node):
		return 0, nodeError(node,
			"%q is a text here, not a number: write it without quotes and tags", text)
	}
	return number, nil
}

func parseSmall(node *yaml.Node) (int, error) {
	number, err := parseNumber(node, 8)
	return int(number), err
}

func parseScalar(node *yaml.Node, what string) (string, error) {
	if node.Kind != yaml.ScalarNode || node.Value == "" {
		return "", nodeError(node, "%s must be a single value", what)
	}
	return node.Value, nil
}

// parseText is like parseScalar, for what YAML does not take for a number, a truth value or nothing.
func parseText(node *yaml.Node, what string) (string, error) {
	text, err := parseScalar(node, what)
	if err == nil && node.ShortTag() != "!!str" {
		err = nodeError(node, "%s must be a text, not %s", what, text)
	}
	return text, err
}

// isPlain reports whether a value has neither quotes nor a tag.
func isPlain(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Style == 0 }

func parseList[T any](node *yaml.Node, what string, parse func(*yaml.Node) (T, error)) ([]T, error) {
	if node.Kind != yaml.SequenceNode {
		return nil, nodeError(node, "%s must be a list", what)
	}
	list := make([]T, len(node.Content))
	for i, item := range node.Content {
		var err error
		if list[i], err = parse(item); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// errUnknownKey is what eachKey adds the key and the line to.
var errUnknownKey = errors.New("unknown key")

// eachKey calls a function with every key of a mapping and its value, in order.
func eachKey(node *yaml.Node, what string, do func(key string, value *yaml.Node) error) error {
	if node.Kind != yaml.MappingNode {
		return nodeError(node, "%s must be a mapping, with keys and values", what)
	}
	seen := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		key := node.Content[i].Value
		if node.Content[i].Kind != yaml.ScalarNode {
			return nodeError(node.Content[i], "a key must be a single value")
		}
		if seen[key] {
			return nodeError(node.Content[i], "the key %q is there twice", key)
		}
		seen[key] = true
		err := do(key, node.Content[i+1])
		if errors.Is(err, errUnknownKey) {
			return nodeError(node.Content[i], "unknown key %q", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func nodeError(node *yaml.Node, format string, args ...any) error {
	return &Error{Line: node.Line, Err: fmt.Errorf(format, args...)}
}
