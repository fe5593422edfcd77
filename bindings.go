//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/constants.h"
// #include "csrc/trace_ring.h"
// #include "csrc/wire.h"
import "C"

import (
	"sync"
	"unsafe"

	_ "github.com/go-initscript/initscript/csrc" // the constructor and the fork server
	"github.com/go-initscript/initscript/internal/trace"
	"github.com/go-initscript/initscript/internal/wire"
)

func init() { trace.Constants = constants }

// constants returns the numbers of the table C of scripts in their order.
var constants = sync.OnceValue(func() []trace.Constant {
	var list []trace.Constant
	type row = C.struct_initscript_constant
	entry := (*row)(unsafe.Pointer(&C.initscript_constants))
	for ; entry.name != nil; entry = (*row)(unsafe.Add(unsafe.Pointer(entry), unsafe.Sizeof(*entry))) {
		list = append(list, trace.Constant{Name: C.GoString(entry.name), Value: int64(entry.value)})
	}
	return list
})

// What csrc's headers declare for C, and packages without cgo once more for Go, is the same. An error of
// the compiler here means that one of the two has changed.
func _() {
	var same [1]struct{}

	type cState = C.struct_initscript_state
	_ = same[unsafe.Sizeof(cState{})-unsafe.Sizeof(wire.State{})]
	_ = same[unsafe.Offsetof(cState{}.lines)-unsafe.Offsetof(wire.State{}.Lines)]
	_ = same[unsafe.Offsetof(cState{}.unshared)-unsafe.Offsetof(wire.State{}.Unshared)]
	_ = same[unsafe.Offsetof(cState{}.has_effective)-unsafe.Offsetof(wire.State{}.HasEffective)]
	_ = same[unsafe.Offsetof(cState{}.effective)-unsafe.Offsetof(wire.State{}.Effective)]

	type cPath = C.struct_initscript_path_state
	_ = same[unsafe.Sizeof(cPath{})-unsafe.Sizeof(wire.PathState{})]
	_ = same[unsafe.Offsetof(cPath{}.error)-unsafe.Offsetof(wire.PathState{}.Error)]
	_ = same[unsafe.Offsetof(cPath{}.mode)-unsafe.Offsetof(wire.PathState{}.Mode)]
	_ = same[unsafe.Offsetof(cPath{}.mount_flags)-unsafe.Offsetof(wire.PathState{}.MountFlags)]
	_ = same[unsafe.Offsetof(cPath{}.may_execute)-unsafe.Offsetof(wire.PathState{}.MayExecute)]
	_ = same[unsafe.Offsetof(cPath{}.is_mount)-unsafe.Offsetof(wire.PathState{}.IsMount)]
	_ = same[unsafe.Offsetof(cPath{}.propagation)-unsafe.Offsetof(wire.PathState{}.Propagation)]
	_ = same[unsafe.Offsetof(cPath{}.is_listed)-unsafe.Offsetof(wire.PathState{}.IsListed)]
	_ = same[unsafe.Offsetof(cPath{}.mount_id)-unsafe.Offsetof(wire.PathState{}.MountID)]

	_ = same[C.INITSCRIPT_NOTE_UNSHARE-wire.NoteUnshare]
	_ = same[C.INITSCRIPT_NOTE_SETNS-wire.NoteSetns]
	_ = same[C.INITSCRIPT_NOTE_CREDENTIALS-wire.NoteCredentials]
	_ = same[C.INITSCRIPT_NOTE_CAPABILITIES-wire.NoteCapabilities]
	_ = same[C.INITSCRIPT_NOTE_NO_NEW_PRIVS-wire.NoteNoNewPrivs]
	_ = same[C.INITSCRIPT_NOTE_SECCOMP-wire.NoteSeccomp]
	_ = same[C.INITSCRIPT_NOTE_LANDLOCK-wire.NoteLandlock]
	_ = same[C.INITSCRIPT_NOTE_CHROOT-wire.NoteChroot]
	_ = same[C.INITSCRIPT_NOTE_UMOUNT-wire.NoteUmount]
	_ = same[C.INITSCRIPT_NOTES-wire.Notes]

	type cRing = C.struct_initscript_trace_ring
	_ = same[unsafe.Sizeof(cRing{})-unsafe.Sizeof(trace.RingHeader{})]
	_ = same[unsafe.Offsetof(cRing{}.head)-unsafe.Offsetof(trace.RingHeader{}.Head)]
	_ = same[unsafe.Offsetof(cRing{}.lost)-unsafe.Offsetof(trace.RingHeader{}.Lost)]
	_ = same[unsafe.Offsetof(cRing{}.clock)-unsafe.Offsetof(trace.RingHeader{}.Clock)]
	_ = same[unsafe.Offsetof(cRing{}.tail)-unsafe.Offsetof(trace.RingHeader{}.Tail)]

	type cRecord = C.struct_initscript_trace_record
	_ = same[unsafe.Sizeof(cRecord{})-unsafe.Sizeof(trace.RecordHeader{})]
	_ = same[unsafe.Offsetof(cRecord{}.size)-unsafe.Offsetof(trace.RecordHeader{}.Size)]
	_ = same[unsafe.Offsetof(cRecord{}.kind)-unsafe.Offsetof(trace.RecordHeader{}.Kind)]
	_ = same[unsafe.Offsetof(cRecord{}.id)-unsafe.Offsetof(trace.RecordHeader{}.ID)]
	_ = same[unsafe.Offsetof(cRecord{}.nanoseconds)-unsafe.Offsetof(trace.RecordHeader{}.Nanoseconds)]
	_ = same[unsafe.Offsetof(cRecord{}.lost)-unsafe.Offsetof(trace.RecordHeader{}.Lost)]
	_ = same[unsafe.Offsetof(cRecord{}.depth)-unsafe.Offsetof(trace.RecordHeader{}.Depth)]
	_ = same[unsafe.Offsetof(cRecord{}.line)-unsafe.Offsetof(trace.RecordHeader{}.Line)]
	_ = same[unsafe.Offsetof(cRecord{}.error)-unsafe.Offsetof(trace.RecordHeader{}.Error)]
	_ = same[unsafe.Offsetof(cRecord{}.values)-unsafe.Offsetof(trace.RecordHeader{}.Values)]

	_ = same[C.INITSCRIPT_TRACE_HEADER_SIZE-trace.HeaderSize]
	_ = same[C.INITSCRIPT_TRACE_DATA_SIZE-trace.DataSize]
	_ = same[C.INITSCRIPT_TRACE_SIZE-trace.RingSize]
	_ = same[C.INITSCRIPT_TRACE_RECORD_SIZE-trace.RecordSize]
	_ = same[C.INITSCRIPT_TRACE_NESTING-trace.Nesting]
	_ = same[C.INITSCRIPT_TRACE_CALL-trace.KindCall]
	_ = same[C.INITSCRIPT_TRACE_RETURN-trace.KindReturn]
	_ = same[C.INITSCRIPT_TRACE_FAILED-trace.KindFailed]
	_ = same[C.INITSCRIPT_TRACE_END-trace.KindEnd]
	_ = same[C.INITSCRIPT_TRACE_NIL-trace.TagNil]
	_ = same[C.INITSCRIPT_TRACE_FALSE-trace.TagFalse]
	_ = same[C.INITSCRIPT_TRACE_TRUE-trace.TagTrue]
	_ = same[C.INITSCRIPT_TRACE_NUMBER-trace.TagNumber]
	_ = same[C.INITSCRIPT_TRACE_STRING-trace.TagString]
	_ = same[C.INITSCRIPT_TRACE_OTHER-trace.TagOther]
	_ = same[C.INITSCRIPT_TRACE_TABLE-trace.TagTable]
	_ = same[C.INITSCRIPT_TRACE_TABLE_END-trace.TagTableEnd]
	_ = same[C.INITSCRIPT_TRACE_CUT-trace.TagCut]
}
