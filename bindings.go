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

	type cNotes = C.struct_initscript_notes
	_ = same[unsafe.Sizeof(cNotes{})-unsafe.Sizeof(wire.Notes{})]
	_ = same[unsafe.Offsetof(cNotes{}.lines)-unsafe.Offsetof(wire.Notes{}.Lines)]
	_ = same[unsafe.Offsetof(cNotes{}.unshared)-unsafe.Offsetof(wire.Notes{}.Unshared)]
	_ = same[unsafe.Offsetof(cNotes{}.has_effective)-unsafe.Offsetof(wire.Notes{}.HasEffective)]
	_ = same[unsafe.Offsetof(cNotes{}.effective)-unsafe.Offsetof(wire.Notes{}.Effective)]

	type cSeenPath = C.struct_initscript_seen_path
	_ = same[unsafe.Sizeof(cSeenPath{})-unsafe.Sizeof(wire.SeenPath{})]
	_ = same[unsafe.Offsetof(cSeenPath{}.error)-unsafe.Offsetof(wire.SeenPath{}.Error)]
	_ = same[unsafe.Offsetof(cSeenPath{}.mode)-unsafe.Offsetof(wire.SeenPath{}.Mode)]
	_ = same[unsafe.Offsetof(cSeenPath{}.mount_flags)-unsafe.Offsetof(wire.SeenPath{}.MountFlags)]
	_ = same[unsafe.Offsetof(cSeenPath{}.may_execute)-unsafe.Offsetof(wire.SeenPath{}.MayExecute)]
	_ = same[unsafe.Offsetof(cSeenPath{}.is_mount)-unsafe.Offsetof(wire.SeenPath{}.IsMount)]
	_ = same[unsafe.Offsetof(cSeenPath{}.propagation)-unsafe.Offsetof(wire.SeenPath{}.Propagation)]
	_ = same[unsafe.Offsetof(cSeenPath{}.is_listed)-unsafe.Offsetof(wire.SeenPath{}.IsListed)]
	_ = same[unsafe.Offsetof(cSeenPath{}.mount_id)-unsafe.Offsetof(wire.SeenPath{}.MountID)]

	_ = same[C.INITSCRIPT_NOTE_UNSHARE-wire.NoteUnshare]
	_ = same[C.INITSCRIPT_NOTE_SETNS-wire.NoteSetns]
	_ = same[C.INITSCRIPT_NOTE_CREDENTIALS-wire.NoteCredentials]
	_ = same[C.INITSCRIPT_NOTE_CAPABILITIES-wire.NoteCapabilities]
	_ = same[C.INITSCRIPT_NOTE_NO_NEW_PRIVS-wire.NoteNoNewPrivs]
	_ = same[C.INITSCRIPT_NOTE_SECCOMP-wire.NoteSeccomp]
	_ = same[C.INITSCRIPT_NOTE_LANDLOCK-wire.NoteLandlock]
	_ = same[C.INITSCRIPT_NOTE_CHROOT-wire.NoteChroot]
	_ = same[C.INITSCRIPT_NOTE_UMOUNT-wire.NoteUmount]
	_ = same[C.INITSCRIPT_NOTE_COUNT-wire.NoteCount]

	type cRequest = C.struct_initscript_request
	_ = same[unsafe.Sizeof(cRequest{})-unsafe.Sizeof(wire.Request{})]
	_ = same[unsafe.Offsetof(cRequest{}.kind)-unsafe.Offsetof(wire.Request{}.Kind)]
	_ = same[unsafe.Offsetof(cRequest{}.pid)-unsafe.Offsetof(wire.Request{}.Pid)]
	_ = same[unsafe.Offsetof(cRequest{}.id)-unsafe.Offsetof(wire.Request{}.ID)]
	_ = same[unsafe.Offsetof(cRequest{}.namespaces)-unsafe.Offsetof(wire.Request{}.Namespaces)]
	_ = same[unsafe.Offsetof(cRequest{}.announce)-unsafe.Offsetof(wire.Request{}.Announce)]

	type cEvent = C.struct_initscript_event
	_ = same[unsafe.Sizeof(cEvent{})-unsafe.Sizeof(wire.Event{})]
	_ = same[unsafe.Offsetof(cEvent{}.kind)-unsafe.Offsetof(wire.Event{}.Kind)]
	_ = same[unsafe.Offsetof(cEvent{}.pid)-unsafe.Offsetof(wire.Event{}.Pid)]
	_ = same[unsafe.Offsetof(cEvent{}.id)-unsafe.Offsetof(wire.Event{}.ID)]
	_ = same[unsafe.Offsetof(cEvent{}.error)-unsafe.Offsetof(wire.Event{}.Error)]
	_ = same[unsafe.Offsetof(cEvent{}.status)-unsafe.Offsetof(wire.Event{}.Status)]
	_ = same[unsafe.Offsetof(cEvent{}.call)-unsafe.Offsetof(wire.Event{}.Call)]
	_ = same[unsafe.Offsetof(cEvent{}.user_microseconds)-unsafe.Offsetof(wire.Event{}.UserMicroseconds)]
	_ = same[unsafe.Offsetof(cEvent{}.system_microseconds)-
		unsafe.Offsetof(wire.Event{}.SystemMicroseconds)]
	_ = same[unsafe.Offsetof(cEvent{}.max_rss_kilobytes)-unsafe.Offsetof(wire.Event{}.MaxRSSKilobytes)]
	_ = same[unsafe.Offsetof(cEvent{}.minor_faults)-unsafe.Offsetof(wire.Event{}.MinorFaults)]
	_ = same[unsafe.Offsetof(cEvent{}.major_faults)-unsafe.Offsetof(wire.Event{}.MajorFaults)]
	_ = same[unsafe.Offsetof(cEvent{}.voluntary_switches)-
		unsafe.Offsetof(wire.Event{}.VoluntarySwitches)]
	_ = same[unsafe.Offsetof(cEvent{}.involuntary_switches)-
		unsafe.Offsetof(wire.Event{}.InvoluntarySwitches)]

	type cRecordHeader = C.struct_initscript_record
	_ = same[unsafe.Sizeof(cRecordHeader{})-unsafe.Sizeof(wire.RecordHeader{})]
	_ = same[unsafe.Offsetof(cRecordHeader{}.kind)-unsafe.Offsetof(wire.RecordHeader{}.Kind)]
	_ = same[unsafe.Offsetof(cRecordHeader{}.error)-unsafe.Offsetof(wire.RecordHeader{}.Error)]
	_ = same[unsafe.Offsetof(cRecordHeader{}.line)-unsafe.Offsetof(wire.RecordHeader{}.Line)]
	_ = same[unsafe.Offsetof(cRecordHeader{}.fields)-unsafe.Offsetof(wire.RecordHeader{}.Fields)]

	type cGoAhead = C.struct_initscript_go_ahead
	_ = same[unsafe.Sizeof(cGoAhead{})-unsafe.Sizeof(wire.GoAhead{})]
	_ = same[unsafe.Offsetof(cGoAhead{}.plan_size)-unsafe.Offsetof(wire.GoAhead{}.PlanSize)]
	_ = same[unsafe.Offsetof(cGoAhead{}.has_arg)-unsafe.Offsetof(wire.GoAhead{}.HasArg)]
	_ = same[unsafe.Offsetof(cGoAhead{}.extra_files)-unsafe.Offsetof(wire.GoAhead{}.ExtraFiles)]
	_ = same[unsafe.Offsetof(cGoAhead{}.hidden_files)-unsafe.Offsetof(wire.GoAhead{}.HiddenFiles)]
	_ = same[unsafe.Offsetof(cGoAhead{}.has_trace)-unsafe.Offsetof(wire.GoAhead{}.HasTrace)]

	type cPlan = C.struct_initscript_plan
	_ = same[unsafe.Sizeof(cPlan{})-unsafe.Sizeof(wire.PlanHeader{})]
	_ = same[unsafe.Offsetof(cPlan{}.memory_limit)-unsafe.Offsetof(wire.PlanHeader{}.MemoryLimit)]
	_ = same[unsafe.Offsetof(cPlan{}.script)-unsafe.Offsetof(wire.PlanHeader{}.Script)]
	_ = same[unsafe.Offsetof(cPlan{}.script_length)-unsafe.Offsetof(wire.PlanHeader{}.ScriptLength)]
	_ = same[unsafe.Offsetof(cPlan{}.script_name)-unsafe.Offsetof(wire.PlanHeader{}.ScriptName)]
	_ = same[unsafe.Offsetof(cPlan{}.path)-unsafe.Offsetof(wire.PlanHeader{}.Path)]
	_ = same[unsafe.Offsetof(cPlan{}.entry)-unsafe.Offsetof(wire.PlanHeader{}.Entry)]
	_ = same[unsafe.Offsetof(cPlan{}.module)-unsafe.Offsetof(wire.PlanHeader{}.Module)]
	_ = same[unsafe.Offsetof(cPlan{}.module_source)-unsafe.Offsetof(wire.PlanHeader{}.ModuleSource)]
	_ = same[unsafe.Offsetof(cPlan{}.module_source_length)-
		unsafe.Offsetof(wire.PlanHeader{}.ModuleSourceLength)]
	_ = same[unsafe.Offsetof(cPlan{}.module_name)-unsafe.Offsetof(wire.PlanHeader{}.ModuleName)]
	_ = same[unsafe.Offsetof(cPlan{}.module_memory_limit)-
		unsafe.Offsetof(wire.PlanHeader{}.ModuleMemoryLimit)]
	_ = same[unsafe.Offsetof(cPlan{}.argv)-unsafe.Offsetof(wire.PlanHeader{}.Argv)]
	_ = same[unsafe.Offsetof(cPlan{}.argc)-unsafe.Offsetof(wire.PlanHeader{}.Argc)]
	_ = same[unsafe.Offsetof(cPlan{}.envp)-unsafe.Offsetof(wire.PlanHeader{}.Envp)]
	_ = same[unsafe.Offsetof(cPlan{}.envc)-unsafe.Offsetof(wire.PlanHeader{}.Envc)]
	_ = same[unsafe.Offsetof(cPlan{}.random)-unsafe.Offsetof(wire.PlanHeader{}.Random)]

	_ = same[C.INITSCRIPT_START-wire.Start]
	_ = same[C.INITSCRIPT_DETACH-wire.Detach]
	_ = same[C.INITSCRIPT_KILL-wire.Kill]
	_ = same[C.INITSCRIPT_RETIRE-wire.Retire]
	_ = same[C.INITSCRIPT_BORN-wire.Born]
	_ = same[C.INITSCRIPT_NOT_BORN-wire.NotBorn]
	_ = same[C.INITSCRIPT_ENDED-wire.Ended]
	_ = same[C.INITSCRIPT_RETIRED-wire.Retired]
	_ = same[C.INITSCRIPT_NAMESPACES_READY-wire.NamespacesReady]
	_ = same[C.INITSCRIPT_SCRIPT_EXECS-wire.ScriptExecs]
	_ = same[C.INITSCRIPT_SCRIPT_RUNS-wire.ScriptRuns]
	_ = same[C.INITSCRIPT_SCRIPT_DONE-wire.ScriptDone]
	_ = same[C.INITSCRIPT_SETUP_FAILED-wire.SetupFailed]
	_ = same[C.INITSCRIPT_CALL_FAILED-wire.CallFailed]
	_ = same[C.INITSCRIPT_SCRIPT_FAILED-wire.ScriptFailed]
	_ = same[C.INITSCRIPT_LOAD_FAILED-wire.LoadFailed]
	_ = same[C.INITSCRIPT_MEMORY_EXHAUSTED-wire.MemoryExhausted]
	_ = same[C.INITSCRIPT_EXEC_FAILED-wire.ExecFailed]
	_ = same[C.INITSCRIPT_ENTRY_FAILED-wire.EntryFailed]
	_ = same[C.INITSCRIPT_EXPLANATION-wire.Explanation]
	_ = same[C.INITSCRIPT_RECORD_SIZE-wire.RecordSize]
	_ = same[C.INITSCRIPT_PARENT-wire.HiddenParent]
	_ = same[C.INITSCRIPT_CRASH-wire.HiddenCrash]
	_ = same[C.INITSCRIPT_EXECUTABLE-wire.HiddenExecutable]
	_ = same[C.INITSCRIPT_NULL-wire.HiddenNull]
	_ = same[C.INITSCRIPT_HIDDEN_FILES-wire.HiddenFiles]
	_ = same[C.INITSCRIPT_MAX_FDS-wire.MaxDescriptors]

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
