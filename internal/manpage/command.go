package manpage

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const introduction = "An init script is Lua code that runs inside a new process, calls the raw system interface " +
	"(mount, pivot_root, unshare, credentials, capabilities, seccomp, Landlock), and so sets up the sandbox of " +
	"the program that then takes its place. A call that fails ends the process, so the program never runs in " +
	"half a sandbox. What a script can call is described in initscript-script(7)."

const (
	files = "Below the prefix of the installation, usually `/usr` or `/usr/local`: `share/initscript/recipes` " +
		"has scripts to start from, `share/initscript/lua` the definitions of the script API for editors."
	seeAlso = ".BR initscript\\-script (7),\n.BR bwrap (1),\n.BR unshare (1),\n.BR capabilities (7),\n" +
		".BR landlock (7),\n.BR namespaces (7),\n.BR user_namespaces (7)"
)

// FromCommand describes a command and all its subcommands in one page.
func FromCommand(root *cobra.Command) string {
	p := newPage(root.Name(), 1, "User Commands")
	p.line(".SH NAME\n%s \\- %s", root.Name(), escape(lowerFirst(root.Short)))
	commands := leaves(root)
	p.line(".SH SYNOPSIS")
	for i, command := range commands {
		if i > 0 {
			p.line(".br")
		}
		p.line("%s", guard(synopsis(command)))
	}
	p.line(".SH DESCRIPTION")
	p.prose(introduction)
	for _, command := range commands {
		p.command(command)
	}
	p.line(".SH FILES")
	p.prose(files)
	p.line(".SH SEE ALSO\n%s", seeAlso)
	return p.text.String()
}

// leaves are the commands that do something, in the order of the help.
func leaves(command *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range command.Commands() {
		switch {
		case sub.Hidden || sub.Name() == "help" || sub.Name() == "completion":
		case sub.HasAvailableSubCommands():
			list = append(list, leaves(sub)...)
		default:
			list = append(list, sub)
		}
	}
	return list
}

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }

func synopsis(command *cobra.Command) string {
	use := strings.TrimPrefix(command.UseLine(), command.CommandPath())
	return `\fB` + escape(command.CommandPath()) + `\fR` + escape(use)
}

// command is the section of one command: what its help says.
func (p *page) command(command *cobra.Command) {
	p.line(".SH %s", escape(strings.ToUpper(strings.TrimPrefix(command.CommandPath(), command.Root().Name()+" "))))
	p.help(command.Long)
	command.LocalFlags().VisitAll(p.flag)
	if command.Example != "" {
		p.line(".PP\nExamples:")
		p.example(unindented(strings.Split(command.Example, "\n")))
	}
}

// help has paragraphs, and lines with an indent that stay as they are.
func (p *page) help(text string) {
	for _, paragraph := range strings.Split(text, "\n\n") {
		lines := strings.Split(paragraph, "\n")
		if strings.HasPrefix(lines[0], "  ") {
			p.example(unindented(lines))
			continue
		}
		p.paragraph()
		p.line("%s", guard(escape(joined(lines))))
	}
}

func unindented(lines []string) []string {
	var out []string
	for _, line := range lines {
		out = append(out, strings.TrimPrefix(line, "  "))
	}
	return out
}

func (p *page) flag(f *pflag.Flag) {
	if f.Hidden || f.Name == "help" {
		return
	}
	value, text := pflag.UnquoteUsage(f)
	names := `\fB` + escape("--"+f.Name) + `\fR`
	if f.Shorthand != "" {
		names = `\fB` + escape("-"+f.Shorthand) + `\fR, ` + names
	}
	if value != "" {
		names += ` \fI` + escape(value) + `\fR`
	}
	p.line(".TP\n%s", names)
	switch f.DefValue {
	case "", "false", "0", "[]":
	default:
		text += " (default " + f.DefValue + ")"
	}
	p.line("%s", guard(escape(text)))
}
