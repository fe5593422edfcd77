// Package eventlog logs what the layers below package initscript start; see initscript.SetLogger.
package eventlog

import (
	"context"
	"log/slog"
	"sync/atomic"
)

var logger atomic.Pointer[slog.Logger]

// Set replaces the logger. With nil nothing is logged.
func Set(l *slog.Logger) { logger.Store(l) }

// Log logs one event.
func Log(level slog.Level, message string, attributes ...slog.Attr) {
	if l := logger.Load(); l != nil {
		l.LogAttrs(context.Background(), level, message, attributes...)
	}
}
