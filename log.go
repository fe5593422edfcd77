package initscript

import (
	"log/slog"

	"github.com/go-initscript/initscript/internal/eventlog"
)

// SetLogger has the package log what it starts: starts and ends of children with status and
// durations at the level Info, fork servers that come and go at Debug, those that die at Warn. nil,
// the default, is silence. The logger's handler must not start or wait for children.
func SetLogger(l *slog.Logger) { eventlog.Set(l) }
