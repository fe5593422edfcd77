/*
 * The private memory of one script: a Lua allocator with a limit, which can be wiped.
 */
#ifndef INITSCRIPT_UTIL_ARENA_H
#define INITSCRIPT_UTIL_ARENA_H

#include <stddef.h>

enum { INITSCRIPT_ARENA_CLASSES = 88 };

struct initscript_chunk;
struct initscript_free_block;

struct initscript_arena {
	struct initscript_chunk *chunks; /* every mapping, newest first */
	char *next, *end;                /* what is left of the newest chunk for small blocks */
	size_t mapped;                   /* bytes of all chunks */
	size_t limit;                    /* what mapped may not exceed */
	struct initscript_free_block *free_blocks[INITSCRIPT_ARENA_CLASSES];
};

/* Returns SIZE bytes aligned to 16, or NULL past the limit or when the kernel refuses. */
void *initscript_arena_alloc(struct initscript_arena *arena, size_t size);

/* Gives back a block that initscript_arena_alloc() returned for the same SIZE. */
void initscript_arena_free(struct initscript_arena *arena, void *block, size_t size);

/* Changes the size of a block, which may move; NULL as above, and then the block stays. */
void *initscript_arena_resize(struct initscript_arena *arena, void *block, size_t old_size,
                              size_t new_size);

/* Unmaps everything, so that nothing of what the script held stays in the process. */
void initscript_arena_wipe(struct initscript_arena *arena);

#endif
