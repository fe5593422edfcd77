/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_JAIL_H
#define FREEBSDTEST_JAIL_H

#include <stddef.h>

struct jailparam {
	char *jp_name;
	void *jp_value;
	size_t jp_valuelen, jp_elemlen;
	int jp_ctltype, jp_structtype;
	unsigned jp_flags;
};
int jailparam_init(struct jailparam *param, const char *name);
int jailparam_import(struct jailparam *param, const char *value);
int jailparam_set(struct jailparam *params, unsigned count, int flags);
void jailparam_free(struct jailparam *params, unsigned count);

#endif
