/*
 * The memory of one script. Lua's allocator in the environment takes blocks from it, and calls
 * take buffers. It never holds more than its limit, and nothing of it is mapped after
 * initscript_arena_wipe().
 */
#include "util_arena.h"

#include <string.h>
#include <sys/mman.h>

enum {
	ALIGNMENT = 16,
	CHUNK_SIZE = 256 * 1024,
	FINE_LIMIT = 1024, /* up to here one class per 16 bytes */
	FINE_CLASSES = FINE_LIMIT / ALIGNMENT,
	SMALL_LIMIT = 64 * 1024, /* larger blocks have a chunk of their own */
};

struct initscript_chunk {
	struct initscript_chunk *older, *newer;
	size_t size;
	size_t padding; /* keeps what follows aligned */
};

struct initscript_free_block {
	struct initscript_free_block *next;
};

/* Four classes per doubling waste at most a fifth of a block. */
static unsigned class_of(size_t size)
{
	if (size <= FINE_LIMIT)
		return (size - 1) / ALIGNMENT;
	unsigned log2 = 63 - __builtin_clzl(size - 1);
	return FINE_CLASSES + (log2 - 10) * 4 + (((size - 1) >> (log2 - 2)) & 3);
}

static size_t size_of_class(unsigned class)
{
	if (class < FINE_CLASSES)
		return (class + 1) * (size_t)ALIGNMENT;
	unsigned log2 = 10 + (class - FINE_CLASSES) / 4;
	return ((size_t)1 << log2) + (((class - FINE_CLASSES) & 3) + 1) * ((size_t)1 << (log2 - 2));
}

static struct initscript_chunk *map_chunk(struct initscript_arena *arena, size_t size)
{
	size = (size + sizeof(struct initscript_chunk) + 4095) & ~(size_t)4095;
	if (size > arena->limit || arena->mapped > arena->limit - size)
		return NULL;
	struct initscript_chunk *chunk =
	        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (chunk == MAP_FAILED)
		return NULL;
	chunk->size = size;
	chunk->older = arena->chunks;
	chunk->newer = NULL;
	if (chunk->older)
		chunk->older->newer = chunk;
	arena->chunks = chunk;
	arena->mapped += size;
	return chunk;
}

static void unmap_chunk(struct initscript_arena *arena, struct initscript_chunk *chunk)
{
	if (chunk->older)
		chunk->older->newer = chunk->newer;
	if (chunk->newer)
		chunk->newer->older = chunk->older;
	else
		arena->chunks = chunk->older;
	arena->mapped -= chunk->size;
	munmap(chunk, chunk->size);
}

void *initscript_arena_alloc(struct initscript_arena *arena, size_t size)
{
	if (size == 0)
		size = 1;
	if (size > SMALL_LIMIT) {
		if (size > arena->limit) /* keeps the sums in map_chunk from overflowing */
			return NULL;
		struct initscript_chunk *chunk = map_chunk(arena, size);
		return chunk ? chunk + 1 : NULL;
	}
	unsigned class = class_of(size);
	struct initscript_free_block *block = arena->free_blocks[class];
	if (block) {
		arena->free_blocks[class] = block->next;
		return block;
	}
	size = size_of_class(class);
	if ((size_t)(arena->end - arena->next) < size) {
		struct initscript_chunk *chunk =
		        map_chunk(arena, CHUNK_SIZE - sizeof(struct initscript_chunk));
		if (!chunk)
			return NULL;
		arena->next = (char *)(chunk + 1);
		arena->end = (char *)chunk + chunk->size;
	}
	void *fresh = arena->next;
	arena->next += size;
	return fresh;
}

void initscript_arena_free(struct initscript_arena *arena, void *block, size_t size)
{
	if (!block)
		return;
	if (size > SMALL_LIMIT) {
		unmap_chunk(arena, (struct initscript_chunk *)block - 1);
		return;
	}
	struct initscript_free_block *freed = block;
	unsigned class = class_of(size ? size : 1);
	freed->next = arena->free_blocks[class];
	arena->free_blocks[class] = freed;
}

void *initscript_arena_resize(struct initscript_arena *arena, void *block, size_t old_size,
                              size_t new_size)
{
	if (!block)
		return initscript_arena_alloc(arena, new_size);
	if (old_size && new_size && old_size <= SMALL_LIMIT && new_size <= SMALL_LIMIT &&
	    class_of(old_size) == class_of(new_size))
		return block;
	void *moved = initscript_arena_alloc(arena, new_size);
	if (!moved)
		return NULL;
	memcpy(moved, block, old_size < new_size ? old_size : new_size);
	initscript_arena_free(arena, block, old_size);
	return moved;
}

void initscript_arena_wipe(struct initscript_arena *arena)
{
	/* Unmapping is enough: the kernel clears a page before it gives it to anybody. */
	for (struct initscript_chunk *chunk = arena->chunks, *older; chunk; chunk = older) {
		older = chunk->older;
		munmap(chunk, chunk->size);
	}
	*arena = (struct initscript_arena){.limit = arena->limit};
}
