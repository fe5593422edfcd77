/*
 * The real functions of jail(3); a test has others.
 */
#include "api_libjail.h"

const struct initscript_libjail initscript_libjail = {
        .init = jailparam_init,
        .import = jailparam_import,
        .set = jailparam_set,
        .free = jailparam_free,
        .attach = jail_attach,
};
