/*
 * The way back of a child's memory, which FreeBSD does not have; called as in Linux.
 */
#include "sys_image.h"

/* Nothing tells a process here what it has mapped without procfs(5) or a library that base programs
 * link for it, and the memory of malloc(3) is everywhere. Lua's own memory and the stack go, as
 * everywhere; what libc holds stays. */
bool initscript_image_save(void)
{
	return true;
}

bool initscript_image_restore(const void *kept, size_t size, bool natives)
{
	(void)kept, (void)size, (void)natives;
	return true;
}
