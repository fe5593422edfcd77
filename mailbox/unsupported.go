//go:build !((linux || freebsd) && cgo)

package mailbox

import (
	"context"

	"github.com/go-initscript/initscript/internal/errtext"
)

func unsupported(function string) error { return errtext.Unsupported("mailbox", function) }

func (c *Channel) send(context.Context, any) error { return unsupported("Send") }
func (c *Channel) close() error                    { return unsupported("Close") }

func (s *inboxState) receive(context.Context) (any, error) { return nil, unsupported("Receive") }
func (s *inboxState) address() (*Channel, error)           { return nil, unsupported("Address") }
func (s *inboxState) close() error                         { return unsupported("Close") }
