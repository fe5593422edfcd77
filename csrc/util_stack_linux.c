/*
 * Drops dead frames of the stack. The child, PID 1 and actors call it after the script: nothing of
 * it is on the stack or in the vector registers then.
 */
#include "util_stack.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <sys/mman.h>
#include <unistd.h>

/* Of Linux 5.18. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* Pages that are never touched, so they cost nothing. Two are for the frames of those who wipe,
 * and one is lost to rounding. */
enum { GAP_PAGES = 4 };

#ifdef __x86_64__
/* What XRSTOR reads; all zero it means the first state of every register that is asked for. */
struct saved_state {
	char x87[24];
	uint32_t mxcsr; /* is always read */
	char rest[548];
} __attribute__((aligned(64)));

/* All vector registers that the CPU has, of whatever size: instructions would have to know them. */
static void clear_vectors(void)
{
	const uint32_t sse_avx_avx512_apx = 0x800e6, osxsave = 1u << 27;
	uint32_t eax, ebx, ecx, edx;
	struct saved_state first = {.mxcsr = __builtin_ia32_stmxcsr()};
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & osxsave))
		return; /* before 2008 */
	__asm__ volatile("xrstor64 %0"
	                 :
	                 : "m"(first), "a"(sse_avx_avx512_apx), "d"(0)
	                 : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
	                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
#elif defined(__aarch64__)
/* But for 8 to 15, which are restored by whoever uses them. */
static void clear_vectors(void)
{
#define ZERO(n) "movi v" #n ".2d, #0\n"
	__asm__ volatile(
	        ZERO(0) ZERO(1) ZERO(2) ZERO(3) ZERO(4) ZERO(5) ZERO(6) ZERO(7) ZERO(16) ZERO(17)
	                ZERO(18) ZERO(19) ZERO(20) ZERO(21) ZERO(22) ZERO(23) ZERO(24) ZERO(25)
	                        ZERO(26) ZERO(27) ZERO(28) ZERO(29) ZERO(30) ZERO(31)::
	                                : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16",
	                                  "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
	                                  "v25", "v26", "v27", "v28", "v29", "v30", "v31");
#undef ZERO
}
#else
static void clear_vectors(void)
{
}
#endif

/* What copied the script's bytes last has left some in registers, and the next signal would have
 * the kernel write them onto a stack. */
#ifdef __has_attribute
#if __has_attribute(zero_call_used_regs)
__attribute__((zero_call_used_regs("all-gpr")))
#endif
#endif
__attribute__((noinline)) static void
clear_registers(void)
{
	clear_vectors();
}

__attribute__((noinline)) void initscript_call_below_gap(void (*function)(const void *),
                                                         const void *argument)
{
	char gap[GAP_PAGES * sysconf(_SC_PAGESIZE)];
	__asm__ volatile("" : : "r"(gap) : "memory");
	function(argument);
	clear_registers();
	__asm__ volatile("" : : "r"(gap) : "memory");
}

__attribute__((noinline)) void initscript_wipe_below_gap(void)
{
	const size_t page = sysconf(_SC_PAGESIZE), deepest = 8 * 1024 * 1024;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) / page * page;
	void *dead = (void *)(here - page - deepest);
	if (madvise(dead, deepest, MADV_DONTNEED) != 0 &&
	    errno == EINVAL) /* mlock(2); ENOMEM: gaps */
		madvise(dead, deepest, MADV_DONTNEED_LOCKED);
}
