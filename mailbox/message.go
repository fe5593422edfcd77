package mailbox

import (
	"fmt"
	"os"
	"reflect"

	"github.com/go-initscript/initscript/internal/wire"
)

// DefaultMessageLimit bounds what one message may cost its receiver, in bytes; see
// [Inbox.SetLimit].
const DefaultMessageLimit = 64 << 20

// The wire format; docs/reference/channels.md tells it in full.
const (
	messageVersion       = 1
	messageInMemfd uint8 = 1 << 0 // flag: the body is in a sealed memfd, the first descriptor

	messageHeaderSize = 8
	maxInlineBody     = 64 << 10 // longer bodies go through a memfd
	maxMessageBody    = 1<<32 - 1
	maxMessageDepth   = 32
	maxMessageFiles   = wire.MaxDescriptors - 1 // the memfd may be one

	fileTag    = 0x696e6974 // CBOR tag "init": a file, by the index of its descriptor
	channelTag = 0x696e6975 // CBOR tag "iniu": likewise a channel
)

// A MessageError says what makes a message unfit to be sent, or what is wrong with a received one.
// A message that cannot be sent leaves the channel as it was. A malformed message has closed the
// socket that it came through; other sources of the [Inbox] are not affected.
type MessageError struct {
	Op   string // "send message" or "receive message"
	Path string // of the value inside the message, such as `["image"][3]`; "" for all of it
	Err  error
}

func (e *MessageError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s: %s", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: %s: %s", e.Op, e.Path, e.Err)
}
func (e *MessageError) Unwrap() error { return e.Err }

// in adds the element of a container through which the error passes on its way up.
func (e *MessageError) in(element string) *MessageError {
	e.Path = element + e.Path
	return e
}

func messageErrorf(format string, args ...any) *MessageError {
	return &MessageError{Err: fmt.Errorf(format, args...)}
}

// What parts of a message cost beside their bytes.
const (
	itemCost       = 96
	mapCost        = 384
	entryCost      = 48
	descriptorCost = 1024
)

// messageCost counts what decoding allocates at most, whatever the message is: Go's size classes waste
// a quarter of a string at worst; Lua reads the longest string before it makes one of it; an empty
// list takes 88 bytes in Lua; an entry of a map takes 137 bytes beside its key and value, if its
// part of the map was allocated just too small and is copied into a larger one; an open file and
// what the poller keeps about it take less than 1024.
type messageCost struct{ body, longest, items, maps, entries, descriptors int64 }

func (c *messageCost) bytes() int64 {
	return c.body + c.body/4 + c.longest +
		itemCost*c.items + mapCost*c.maps + entryCost*c.entries + descriptorCost*c.descriptors
}

func (c *messageCost) check(limit int64) *MessageError {
	if c.bytes() > limit {
		return messageErrorf("too large: it costs its receiver more than the limit of %d bytes", limit)
	}
	return nil
}

// effectiveLimit reads a limit as SetLimit takes it.
func effectiveLimit(bytes int64) int64 {
	if bytes <= 0 {
		return DefaultMessageLimit
	}
	return bytes
}

func errTooDeep() *MessageError {
	return messageErrorf("nested deeper than %d levels", maxMessageDepth)
}

func errTooManyFiles() *MessageError {
	return messageErrorf("too many descriptors: a message holds at most %d files and channels",
		maxMessageFiles)
}

var (
	fileType    = reflect.TypeFor[*os.File]()
	channelType = reflect.TypeFor[*Channel]()
)

// maxShownKey is how many bytes of a key a path shows.
const maxShownKey = 40

// keyText shows a map key in a path.
func keyText(key any) string {
	if s, ok := key.(string); ok {
		if len(s) > maxShownKey {
			return fmt.Sprintf("[%q...]", s[:maxShownKey])
		}
		return fmt.Sprintf("[%q]", s)
	}
	return fmt.Sprintf("[%v]", key)
}
