//go:build (linux || freebsd) && cgo

package initscript

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

var logger atomic.Pointer[slog.Logger]

// SetLogger has the package log what it starts: starts and ends of children with status and
// durations at the level Info, fork servers that come and go at Debug, those that die at Warn. nil,
// the default, is silence. The logger's handler must not start or wait for children.
func SetLogger(l *slog.Logger) { logger.Store(l) }

func logEvent(level slog.Level, message string, attributes ...slog.Attr) {
	if l := logger.Load(); l != nil {
		l.LogAttrs(context.Background(), level, message, attributes...)
	}
}

// logStart is called when the child exists and knows what to do.
func (c *child) logStart() {
	logEvent(slog.LevelInfo, "child started",
		slog.Int("pid", c.process.Pid),
		slog.String("script", c.scriptName),
		c.whatRuns(),
		slog.String("namespaces", c.namespaces.String()),
		slog.Duration("took", time.Since(c.began)))
}

// logEnd is called once, when the end was reported.
func (c *child) logEnd() {
	if c.err != nil {
		logEvent(slog.LevelWarn, "child lost", c.whatRuns(), slog.String("error", c.err.Error()))
		return
	}
	logEvent(slog.LevelInfo, "child ended",
		slog.Int("pid", c.state.Pid()),
		c.whatRuns(),
		slog.Duration("lived", time.Since(c.began)),
		slog.String("status", c.state.String()),
		slog.Duration("user", c.state.UserTime()),
		slog.Duration("system", c.state.SystemTime()),
		slog.Int64("maxrss", c.state.MaxRSS()))
}

// whatRuns tells what follows the script.
func (c *child) whatRuns() slog.Attr {
	if c.entry != "" {
		return slog.String("entry", c.entry)
	}
	if c.module != "" {
		return slog.String("module", c.module)
	}
	return slog.String("program", c.path)
}
