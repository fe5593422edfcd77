package seccomp

// For the tests that read policies in the plain way.
const (
	PrCapbsetRead  = prCapbsetRead
	PrGetDumpable  = prGetDumpable
	PrSetDumpable  = prSetDumpable
	PrSetName      = prSetName
	PrSetPdeathsig = prSetPdeathsig
	PrSetVMA       = prSetVMA
)

// MembersOf returns what a group stands for, or nil.
func MembersOf(group string) []string {
	members, _ := membersOf(group)
	return members
}
