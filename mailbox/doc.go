// Package mailbox passes messages between processes that need not trust each other: plain values, open
// files, and the addresses to answer to.
//
// An [Inbox] receives. A [Channel] is an address of one inbox, and can be part of a message itself, so
// any topology can be built. Actors of package [github.com/go-initscript/initscript], in Go and in Lua,
// have one inbox each and a channel to their parent; a process has as many inboxes as it makes with
// [NewInbox].
//
//	inbox := mailbox.NewInbox()
//	address, err := inbox.Address()
//	...
//	err = actor.Send(ctx, map[string]any{"image": file, "answer": address})
//	...
//	message, err := inbox.Receive(ctx)
//
// # Messages
//
// A message is a value: a bool, a number, a string, a []byte, an open *os.File, a [*Channel], or a slice
// or map of these; see [Channel.Send]. It is encoded as CBOR and sent as one packet of a socket, large
// ones through a sealed memfd; docs/reference/channels.md in the module is the account of the format.
// Messages of one source arrive in the order in which they were sent, and one that was received was
// received whole.
//
// # Trust
//
// Whoever receives need not trust a sender: nothing that is sent makes a receiver wait for its sender,
// allocate more than a limit ([Inbox.SetLimit]) or keep a descriptor. A malformed message ends the one
// source that it came through, with a [*MessageError]. A sender learns nothing about a receiver but
// whether it is still there: channels go one way. What is received is the sender's choice all the same:
// look at it before use, and at what kind of file a received file is.
//
// # Systems
//
// No privileges are needed. On systems other than Linux and FreeBSD the package compiles, and all that
// can fail returns an error that is initscript.ErrUnsupported.
package mailbox
