package manpage

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const introduction = "An init script is Lua code that runs inside a new process, calls the raw " +
	"system interface " +
	"(mount, pivot_root, unshare, credentials, capabilities, seccomp, Landlock), and so sets up " +
	"the sandbox of " +
	"the program that then takes its place. A call that fails ends the process, so the program " +
	"never runs in " +
	"half a sandbox. What a script can call is described in initscript-script(7)."

const commandEnd = `
# FILES

Below the prefix of the installation, usually **/usr** or **/usr/local**:
**share/initscript/recipes** has scripts to start from, **share/initscript/lua** the definitions
of the script API for editors.

# SEE ALSO

**initscript-script**(7), **bwrap**(1), **unshare**(1), **capabilities**(7), **landlock**(7),
**namespaces**(7), **user_namespaces**(7)
`

// FromCommand describes a command and all its subcommands in one page: github.com/spf13/cobra/doc, which
// makes a page of each, shows values of flags as Go has them, and joins the lines of examples.
func FromCommand(root *cobra.Command) string {
	var text strings.Builder
	fmt.Fprintf(&text, "# NAME\n\n%s - %s\n\n# SYNOPSIS\n\n", root.Name(),
		escape(lowerFirst(root.Short)))
	commands := leaves(root)
	for i, command := range commands {
		if i > 0 {
			text.WriteString("  \n") // a line of its own
		}
		text.WriteString(synopsis(command))
	}
	fmt.Fprintf(&text, "\n\n# DESCRIPTION\n\n%s\n\n", escape(introduction))
	for _, command := range commands {
		describe(&text, command)
	}
	text.WriteString(commandEnd)
	return render(root.Name(), 1, "User Commands", text.String())
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
	return "**" + escape(command.CommandPath()) + "**" + escape(use)
}

// describe writes the section of one command: what its help says.
func describe(text *strings.Builder, command *cobra.Command) {
	path := strings.TrimPrefix(command.CommandPath(), command.Root().Name()+" ")
	fmt.Fprintf(text, "# %s\n\n", escape(strings.ToUpper(path)))
	for _, paragraph := range strings.Split(command.Long, "\n\n") {
		if strings.HasPrefix(paragraph, "  ") {
			example(text, paragraph)
		} else {
			fmt.Fprintf(text, "%s\n\n", escape(paragraph))
		}
	}
	command.LocalFlags().VisitAll(func(f *pflag.Flag) { flag(text, f) })
	if command.Example != "" {
		text.WriteString("Examples:\n\n")
		example(text, command.Example)
	}
}

// example writes lines that stay as they are, without the indent of the help.
func example(text *strings.Builder, lines string) {
	lines = strings.ReplaceAll("\n"+lines, "\n  ", "\n")
	fmt.Fprintf(text, "```%s\n```\n\n", strings.TrimSuffix(lines, "\n"))
}

func flag(text *strings.Builder, f *pflag.Flag) {
	if f.Hidden || f.Name == "help" {
		return
	}
	value, usage := pflag.UnquoteUsage(f)
	names := "**--" + f.Name + "**"
	if f.Shorthand != "" {
		names = "**-" + f.Shorthand + "**, " + names
	}
	if value != "" {
		names += " *" + escape(value) + "*"
	}
	switch f.DefValue {
	case "", "false", "0", "[]":
	default:
		usage += " (default " + f.DefValue + ")"
	}
	fmt.Fprintf(text, "%s\n: %s\n\n", names, escape(usage))
}

// escape makes text of what Markdown would interpret.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", `\<`,
		">", `\>`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "&", `\&`).Replace(text)
}
