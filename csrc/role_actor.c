/*
 * The process of an actor in Go, from the end of its script to the Go runtime. The child calls it
 * when its memory is what it was before the script, the constructor when the server has returned,
 * and Go asks it whether this process is an actor. Afterwards the program runs as if it had been
 * executed with the actor's arguments and environment.
 */
#include "role_actor.h"

#include "sys_process.h"
#include "util_filelimit.h"
#include "util_strings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const initscript_auxv *auxv;
static struct initscript_actor self;
static char **self_argv; /* the beginning of the stack block; NULL in everything but an actor */
static int self_argc;

const struct initscript_actor *initscript_this_actor(void)
{
	return self_argv ? &self : NULL;
}

void initscript_note_auxv(char **env)
{
	while (*env)
		env++;
	auxv = (const initscript_auxv *)(env + 1);
}

static size_t auxv_length(void)
{
	size_t n = 0;
	while (auxv[n++].a_type != AT_NULL)
		;
	return n;
}

/* The server's random bytes would be those of every actor: the Go runtime seeds its hashes and
 * its random numbers with them. */
static void copy_auxv(initscript_auxv *to, size_t count, const uint8_t *random)
{
	memcpy(to, auxv, count * sizeof *to);
	for (; to->a_type != AT_NULL; to++)
		if (initscript_is_random(to))
			to->a_un.a_val = (uintptr_t)random;
}

static char **point_at_strings(char **to, char *packed, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		*to++ = packed;
		packed += strlen(packed) + 1;
	}
	*to++ = NULL;
	return to;
}

/* The layout is the kernel's, which the Go runtime walks: argv, NULL, envp, NULL, auxv. */
bool initscript_become_actor(const struct initscript_actor *actor, const char *plan_base,
                             const struct initscript_plan *plan)
{
	const char *argv = plan_base + plan->argv, *envp = plan_base + plan->envp;
	const char *entry = plan_base + plan->entry;
	size_t auxv_count = auxv_length();
	char **block =
	        malloc((plan->argc + plan->envc + 2) * sizeof *block + auxv_count * sizeof *auxv);
	char *own_argv = initscript_copy(argv, initscript_packed_size(argv, plan->argc));
	char *own_envp = initscript_copy(envp, initscript_packed_size(envp, plan->envc));
	char *own_entry = initscript_copy(entry, strlen(entry) + 1);
	uint8_t *random = initscript_copy(plan->random, sizeof plan->random);
	if (!block || !own_argv || !own_envp || !own_entry || !random)
		return false;
	environ = point_at_strings(block, own_argv, plan->argc);
	char **end = point_at_strings(environ, own_envp, plan->envc);
	copy_auxv((initscript_auxv *)end, auxv_count, random);
	self = *actor;
	self.entry = own_entry;
	self_argc = plan->argc;
	self_argv = block;
	return true;
}

/* Of the executable, made by the linker. */
extern initscript_constructor *__init_array_start[], *__init_array_end[];

/* What the C library would have called after CALLER: constructors of other packages with C code. */
static void run_constructors_after(initscript_constructor *caller)
{
	initscript_constructor **next = __init_array_start;
	while (next < __init_array_end && *next != caller)
		next++;
	while (++next < __init_array_end)
		(*next)(self_argc, self_argv, environ);
}

int main(int argc, char **argv, char **envp); /* the Go runtime's */

noreturn void initscript_boot_actor(initscript_constructor *caller)
{
	initscript_note_file_limit(); /* the script may have set one */
	run_constructors_after(caller);
	exit(main(self_argc, self_argv, environ));
}
