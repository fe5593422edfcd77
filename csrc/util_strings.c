/*
 * Packed strings of the plan to arrays, for programs and actors.
 */
#include "util_strings.h"

#include <stdlib.h>
#include <string.h>

char **initscript_strings(const char *packed, size_t count)
{
	char **strings = malloc((count + 1) * sizeof *strings);
	if (!strings)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		strings[i] = (char *)packed;
		packed += strlen(packed) + 1;
	}
	strings[count] = NULL;
	return strings;
}

size_t initscript_packed_size(const char *packed, size_t count)
{
	const char *p = packed;
	while (count-- > 0)
		p += strlen(p) + 1;
	return p - packed;
}

void *initscript_copy(const void *bytes, size_t size)
{
	void *copied = malloc(size ? size : 1);
	return copied ? memcpy(copied, bytes, size) : NULL;
}
