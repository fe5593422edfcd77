package scriptapi_test

import "kernel.org/pub/linux/libs/security/libcap/cap"

// otherValues has the values of the constants in the table C that golang.org/x/sys/unix lacks, from the
// kernel's headers or from libcap. All others are in sysValues, which is generated.
var otherValues = map[string]int64{
	"SECBIT_NOROOT":                      int64(cap.SecbitNoRoot),
	"SECBIT_NOROOT_LOCKED":               int64(cap.SecbitNoRootLocked),
	"SECBIT_NO_SETUID_FIXUP":             int64(cap.SecbitNoSetUIDFixup),
	"SECBIT_NO_SETUID_FIXUP_LOCKED":      int64(cap.SecbitNoSetUIDFixupLocked),
	"SECBIT_KEEP_CAPS":                   int64(cap.SecbitKeepCaps),
	"SECBIT_KEEP_CAPS_LOCKED":            int64(cap.SecbitKeepCapsLocked),
	"SECBIT_NO_CAP_AMBIENT_RAISE":        int64(cap.SecbitNoCapAmbientRaise),
	"SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED": int64(cap.SecbitNoCapAmbientRaiseLocked),
	"FSCONFIG_CMD_CREATE_EXCL":           int64(8),
	"MOVE_MOUNT_BENEATH":                 int64(0x200),
	"RESOLVE_CACHED":                     0x20,
	"RLIM_INFINITY":                      -1,
}
