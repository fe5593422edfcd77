/*
 * See jailtest.go.
 */
#ifndef INITSCRIPT_JAILTEST_H
#define INITSCRIPT_JAILTEST_H

struct jailtest_result {
	char calls[4096]; /* one a line */
	char report[1024];
	int leaked;
};

/* Runs SCRIPT. The call of the library that reads FAILING fails with ERROR, an errno value. */
void jailtest_run(const char *text, const char *failing, int error, struct jailtest_result *result);

#endif
