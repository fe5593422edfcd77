//go:build (linux || freebsd) && cgo

package mailbox

// #cgo pkg-config: luajit
// #include "../csrc/message.h"
import "C"

import (
	"unsafe"

	_ "github.com/go-initscript/initscript/csrc" // so that this is compiled anew with the header
)

// Actors in Lua have the format from csrc/message.h. Where it is another one there, this does not
// compile: the index of an array is out of range.
var _ = [...]struct{}{
	[1]struct{}{}[C.INITSCRIPT_MESSAGE_VERSION-messageVersion],
	[1]struct{}{}[C.INITSCRIPT_MESSAGE_IN_MEMFD-messageInMemfd],
	[1]struct{}{}[C.INITSCRIPT_MESSAGE_INLINE-maxInlineBody],
	[1]struct{}{}[C.INITSCRIPT_MESSAGE_DEPTH-maxMessageDepth],
	[1]struct{}{}[C.INITSCRIPT_MESSAGE_FDS-maxMessageFiles],
	[1]struct{}{}[C.INITSCRIPT_MESSAGE_LIMIT-DefaultMessageLimit],
	[1]struct{}{}[C.INITSCRIPT_COST_OF_ITEM-itemCost],
	[1]struct{}{}[C.INITSCRIPT_COST_OF_MAP-mapCost],
	[1]struct{}{}[C.INITSCRIPT_COST_OF_ENTRY-entryCost],
	[1]struct{}{}[C.INITSCRIPT_COST_OF_DESCRIPTOR-descriptorCost],
	[1]struct{}{}[C.CBOR_TAG_FILE-fileTag],
	[1]struct{}{}[C.CBOR_TAG_CHANNEL-channelTag],
	[1]struct{}{}[unsafe.Sizeof(C.struct_initscript_message_header{})-messageHeaderSize],
	[1]struct{}{}[unsafe.Offsetof(C.struct_initscript_message_header{}.descriptors)-2],
	[1]struct{}{}[unsafe.Offsetof(C.struct_initscript_message_header{}.length)-4],
}
