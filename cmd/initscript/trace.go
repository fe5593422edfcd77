//go:build (linux || freebsd) && cgo

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-initscript/initscript"
	"github.com/spf13/pflag"
)

const traceHelp = `With --trace each call of the script is one line: script line, arguments with names
of flags and what descriptors refer to, result, name of errno, microseconds; on
standard error, or on --trace-fd. With --trace=json it is an object (script, line,
func, args, results, errno, end, start_us, us).`

// traceFlag says how the calls of the script are shown; "" means not at all.
type traceFlag string

func (f *traceFlag) Type() string   { return "FORMAT" }
func (f *traceFlag) String() string { return string(*f) }

func (f *traceFlag) Set(format string) error {
	if format != "text" && format != "json" {
		return errors.New("neither text nor json")
	}
	*f = traceFlag(format)
	return nil
}

// traceOptions are the flags about tracing.
type traceOptions struct {
	format traceFlag
	fd     int
	flags  *pflag.FlagSet
}

func (o *traceOptions) addTo(flags *pflag.FlagSet) {
	o.flags = flags
	flags.Var(&o.format, "trace", "show each call of the script, as text or json")
	flags.Lookup("trace").NoOptDefVal = "text"
	flags.IntVar(&o.fd, "trace-fd", 2, "write the trace to descriptor `N`")
}

// apply has the command traced, if that is asked for.
func (o *traceOptions) apply(command *initscript.Cmd) error {
	fdGiven := o.flags != nil && o.flags.Changed("trace-fd")
	if o.format == "" {
		if fdGiven {
			return errors.New("--trace-fd needs --trace")
		}
		return nil
	}
	file := os.Stderr
	if fdGiven {
		var err error
		if file, err = openInherited("--trace-fd", o.fd); err != nil {
			return err
		}
	}
	write := initscript.TraceText
	if o.format == "json" {
		write = initscript.TraceJSON
	}
	command.Trace = write(&complainingFile{file: file})
	return nil
}

// complainingFile says once why it cannot be written.
type complainingFile struct {
	file *os.File
	told bool
}

func (f *complainingFile) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	if err != nil && !f.told {
		f.told = true
		fmt.Fprintf(os.Stderr, "initscript: %s\n", oneLine(err.Error()))
	}
	return n, err
}
