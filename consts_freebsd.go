//go:build cgo

package initscript

/*
#include "csrc/constants.h"

#include <sys/param.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// The kernel's ABI fixes these values; headers older than it lack the names.
#ifndef O_PATH // FreeBSD 13.1
#define O_PATH 0x00400000
#endif
#ifndef O_EMPTY_PATH // FreeBSD 13.1
#define O_EMPTY_PATH 0x02000000
#endif
#ifndef AT_EMPTY_PATH // FreeBSD 13.1
#define AT_EMPTY_PATH 0x4000
#endif

const struct initscript_constant initscript_constants[] = {
#include "constants_all.h"
	// open()
	CONSTANT(O_EXEC),
	CONSTANT(O_SEARCH),
	CONSTANT(O_RESOLVE_BENEATH),
	CONSTANT(O_EMPTY_PATH),
	// mount() and unmount()
	CONSTANT(MNT_RDONLY),
	CONSTANT(MNT_NOEXEC),
	CONSTANT(MNT_NOSUID),
	CONSTANT(MNT_NOATIME),
	CONSTANT(MNT_SNAPSHOT),
	CONSTANT(MNT_SUIDDIR),
	CONSTANT(MNT_SYNCHRONOUS),
	CONSTANT(MNT_ASYNC),
	CONSTANT(MNT_NOCLUSTERR),
	CONSTANT(MNT_NOCLUSTERW),
	CONSTANT(MNT_NOCOVER),
	CONSTANT(MNT_EMPTYDIR),
	CONSTANT(MNT_UPDATE),
	CONSTANT(MNT_RELOAD),
	CONSTANT(MNT_BYFSID),
	{NULL, 0},
};
*/
import "C"
