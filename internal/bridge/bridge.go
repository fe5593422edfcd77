// Package bridge lets packages of this module reach what others do not export.
package bridge

import (
	"context"
	"os"
)

// Start is set by package initscript. It starts an initscript.Actor with a Lua program, or with
// none, and does not wait for the script. It returns the running *initscript.Cmd and the sockets of
// the channel to the actor and of the inbox for its messages.
var Start func(ctx context.Context, actor any) (cmd any, channel, inbox *os.File, err error)

// Detach is set likewise. It lets the process of an *initscript.Cmd outlive this one.
var Detach func(cmd any) error

// OpenChannel is set by package mailbox. It takes over the sending end of a SEQPACKET socket and returns
// the *mailbox.Channel.
var OpenChannel func(socket *os.File) any

// AddSource is set likewise. It takes over the receiving end of a SEQPACKET socket as a source of a
// *mailbox.Inbox.
var AddSource func(inbox any, socket *os.File)
