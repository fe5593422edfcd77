//go:build (linux || freebsd) && cgo

package start

import (
	"log/slog"
	"time"

	"github.com/go-initscript/initscript/internal/eventlog"
)

// started logs that the child exists and knows what to do, and then its end, if that has come already.
func (c *Child) started() {
	c.logStart()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logged = true
	if c.IsEnded() {
		c.logEnd()
	}
}

func (c *Child) logStart() {
	eventlog.Log(slog.LevelInfo, "child started",
		slog.Int("pid", c.Process.Pid()),
		slog.String("script", c.script),
		c.program,
		slog.String("namespaces", c.namespaceNames),
		slog.Duration("took", time.Since(c.began)))
}

// logEnd is called once, when the end was reported and nothing is logged before it any more.
func (c *Child) logEnd() {
	if c.err != nil {
		eventlog.Log(slog.LevelWarn, "child lost", c.program, slog.String("error", c.err.Error()))
		return
	}
	eventlog.Log(slog.LevelInfo, "child ended",
		slog.Int("pid", c.end.Pid),
		c.program,
		slog.Duration("lived", time.Since(c.began)),
		slog.String("status", c.end.String()),
		slog.Duration("user", c.end.UserTime),
		slog.Duration("system", c.end.SystemTime),
		slog.Int64("maxrss", c.end.MaxRSS))
}
