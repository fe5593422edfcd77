/*
 * The calls that a script has in FreeBSD, by families. The environment puts them into the table C.
 */
#include "api.h"

const struct initscript_function *const initscript_families[] = {
        initscript_io_functions,       initscript_descriptor_functions,
        initscript_file_functions,     initscript_at_functions,
        initscript_mount_functions,    initscript_process_functions,
        initscript_resource_functions, initscript_credential_functions,
        initscript_exec_functions,     initscript_capsicum_functions,
        initscript_jail_functions,     NULL,
};
