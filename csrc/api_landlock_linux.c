/*
 * Calls of scripts for Landlock. Names of rights become bits here; restrict_self goes through the
 * operations of the script, which reach every thread that it must hold for.
 */
#include "api.h"
#include "api_landlock_names.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* enum landlock_rule_type, of which headers may have the first only. */
enum rule_type { PATH_BENEATH = 1, NET_PORT = 2 };

/* struct landlock_ruleset_attr, of which headers may have the beginning only. */
struct ruleset_attr {
	uint64_t handled_access_fs;  /* ABI 1 */
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;             /* ABI 6 */
	uint64_t quiet_access_fs;    /* ABI 10, with the next two */
	uint64_t quiet_access_net;
	uint64_t quiet_scoped;
};

/* struct landlock_net_port_attr, which headers may lack. */
struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port;
};

/* The names that a list may have, and what a message calls all of them. */
struct vocabulary {
	const char *name;
	const struct initscript_flag *flags;
};

#define FLAG(text, constant, bit) {text, constant},
/* clang-format off */
#define FLAGS(list) (const struct initscript_flag[]){list##_NAMES(FLAG) {NULL, 0}}
/* clang-format on */

/* Where headers have a constant, the definitions must have its name at the same place. */
#define HAS_BIT(text, constant, bit) _Static_assert((constant) == 1ULL << (bit), text);
LANDLOCK_ACCESS_FS_NAMES(HAS_BIT)
LANDLOCK_ACCESS_NET_NAMES(HAS_BIT)
LANDLOCK_SCOPE_NAMES(HAS_BIT)
LANDLOCK_CREATE_RULESET_NAMES(HAS_BIT)
LANDLOCK_ADD_RULE_NAMES(HAS_BIT)
LANDLOCK_RESTRICT_SELF_NAMES(HAS_BIT)

static const struct vocabulary access_fs = {"LANDLOCK_ACCESS_FS", FLAGS(LANDLOCK_ACCESS_FS)};
static const struct vocabulary access_net = {"LANDLOCK_ACCESS_NET", FLAGS(LANDLOCK_ACCESS_NET)};
static const struct vocabulary scope = {"LANDLOCK_SCOPE", FLAGS(LANDLOCK_SCOPE)};
static const struct vocabulary create_ruleset_flags = {"LANDLOCK_CREATE_RULESET",
                                                       FLAGS(LANDLOCK_CREATE_RULESET)};
static const struct vocabulary add_rule_flags = {"LANDLOCK_ADD_RULE", FLAGS(LANDLOCK_ADD_RULE)};
static const struct vocabulary restrict_self_flags = {"LANDLOCK_RESTRICT_SELF",
                                                      FLAGS(LANDLOCK_RESTRICT_SELF)};

static const struct ruleset_field {
	const char *name;
	size_t offset;
	const struct vocabulary *known;
	bool is_emilua; /* whose lists are read up to a hole, as all of Emilua */
} ruleset_fields[] = {
        {"handled_access_fs", offsetof(struct ruleset_attr, handled_access_fs), &access_fs, true},
        {"handled_access_net", offsetof(struct ruleset_attr, handled_access_net), &access_net,
         false},
        {"scoped", offsetof(struct ruleset_attr, scoped), &scope, false},
        {"quiet_access_fs", offsetof(struct ruleset_attr, quiet_access_fs), &access_fs, false},
        {"quiet_access_net", offsetof(struct ruleset_attr, quiet_access_net), &access_net, false},
        {"quiet_scoped", offsetof(struct ruleset_attr, quiet_scoped), &scope, false},
        {NULL, 0, NULL, false},
};

/* Raises "invalid WHAT" as it is. luaL_error() would put the position before it; Emilua does one
 * here and the other there, and scripts may match the text. */
static int raise_bare(lua_State *L, const char *what)
{
	lua_pushfstring(L, "invalid %s", what);
	return lua_error(L);
}

/* The value on top of the stack, which belongs to the field of that name, must be a list. */
static uint64_t read_list(lua_State *L, const char *field, const struct vocabulary *known)
{
	uint64_t set = 0;
	if (!lua_istable(L, -1))
		raise_bare(L, field);
	if (!initscript_flags(L, lua_gettop(L), known->flags, &set))
		raise_bare(L, known->name);
	return set;
}

/* The same for what Emilua does not have, in the table that is argument ARG. */
static uint64_t read_exact_list(lua_State *L, int arg, const char *field,
                                const struct vocabulary *known)
{
	uint64_t set = read_list(L, field, known);
	initscript_exact_list(L, lua_gettop(L), arg, field);
	return set;
}

/* The flags in argument ARG: none if it is nil. */
static uint32_t read_call_flags(lua_State *L, int arg, const struct vocabulary *known)
{
	uint64_t flags = 0;
	if (lua_istable(L, arg) && !initscript_flags(L, arg, known->flags, &flags))
		luaL_error(L, "invalid %s flag", known->name);
	return flags;
}

/* The same for the flags of calls that have none in Emilua. */
static uint32_t read_exact_flags(lua_State *L, int arg, const struct vocabulary *known)
{
	uint32_t flags = read_call_flags(L, arg, known);
	if (lua_istable(L, arg))
		initscript_exact_list(L, arg, arg, NULL);
	return flags;
}

static void read_ruleset_field(lua_State *L, struct ruleset_attr *attr)
{
	for (const struct ruleset_field *f = ruleset_fields; f->name; f++) {
		if (initscript_is_text(L, -2, f->name)) {
			*(uint64_t *)((char *)attr + f->offset) =
			        f->is_emilua ? read_list(L, f->name, f->known)
			                     : read_exact_list(L, 1, f->name, f->known);
			return;
		}
	}
	raise_bare(L, "ruleset attr");
}

static struct ruleset_attr read_ruleset_attr(lua_State *L, int index)
{
	struct ruleset_attr attr = {0};
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "invalid ruleset attr");
		read_ruleset_field(L, &attr);
	}
	return attr;
}

/* The size of the oldest version of the structure that has all fields in use: a kernel that does
 * not know the others takes it. */
static size_t ruleset_attr_size(const struct ruleset_attr *attr)
{
	if (attr->quiet_access_fs || attr->quiet_access_net || attr->quiet_scoped)
		return sizeof *attr;
	if (attr->scoped)
		return offsetof(struct ruleset_attr, quiet_access_fs);
	if (attr->handled_access_net)
		return offsetof(struct ruleset_attr, scoped);
	return offsetof(struct ruleset_attr, handled_access_net);
}

static int l_landlock_create_ruleset(lua_State *L)
{
	lua_settop(L, 2);
	for (int arg = 1; arg <= 2; arg++)
		if (!lua_isnil(L, arg) && !lua_istable(L, arg))
			return luaL_error(L, "table expected for argument %d", arg);
	bool has_attr = lua_istable(L, 1);
	struct ruleset_attr attr = {0};
	if (has_attr)
		attr = read_ruleset_attr(L, 1);
	uint32_t flags = read_call_flags(L, 2, &create_ruleset_flags);
	if (attr.scoped & LANDLOCK_SCOPE_SIGNAL &&
	    !initscript_operations_of(L)->can_scope_signals(initscript_script_of(L))) {
		errno = EOPNOTSUPP;
		return initscript_result(L, "landlock_create_ruleset", -1);
	}
	return initscript_result(L, "landlock_create_ruleset",
	                         syscall(SYS_landlock_create_ruleset, has_attr ? &attr : NULL,
	                                 has_attr ? ruleset_attr_size(&attr) : 0, flags));
}

static struct landlock_path_beneath_attr read_path_beneath(lua_State *L, int index)
{
	struct landlock_path_beneath_attr attr = {.parent_fd = -1};
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "invalid path_beneath attr");
		if (initscript_is_text(L, -2, "allowed_access")) {
			attr.allowed_access = read_list(L, "allowed_access", &access_fs);
		} else if (initscript_is_text(L, -2, "parent_fd")) {
			if (lua_type(L, -1) != LUA_TNUMBER)
				raise_bare(L, "parent_fd");
			attr.parent_fd = initscript_fd(L, -1);
		} else {
			raise_bare(L, "path_beneath attr");
		}
	}
	return attr;
}

/* Which ports there are is checked by the kernel. */
static uint64_t read_port(lua_State *L)
{
	if (lua_type(L, -1) != LUA_TNUMBER)
		raise_bare(L, "port");
	int64_t port = initscript_integer(L, -1);
	if (port != lua_tonumber(L, -1))
		luaL_argerror(
		        L, 3,
		        lua_pushfstring(L, "port: %f is not an integer", lua_tonumber(L, -1)));
	return port;
}

static struct net_port_attr read_net_port(lua_State *L, int index)
{
	struct net_port_attr attr = {.port = UINT64_MAX}; /* none; 0 has a meaning */
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "invalid net_port attr");
		if (initscript_is_text(L, -2, "allowed_access")) {
			attr.allowed_access = read_exact_list(L, 3, "allowed_access", &access_net);
		} else if (initscript_is_text(L, -2, "port")) {
			attr.port = read_port(L);
		} else {
			raise_bare(L, "net_port attr");
		}
	}
	return attr;
}

static int check_ruleset_fd(lua_State *L)
{
	if (lua_type(L, 1) != LUA_TNUMBER)
		luaL_error(L, "integer expected for argument 1");
	return initscript_fd(L, 1);
}

/* Emilua has no flags here: what is not a list is wrong in its words. */
static void check_flags(lua_State *L, int arg)
{
	if (!lua_isnil(L, arg) && !lua_istable(L, arg))
		luaL_error(L, "nil expected for argument %d", arg);
}

static enum rule_type check_rule_type(lua_State *L)
{
	if (initscript_is_text(L, 2, "path_beneath"))
		return PATH_BENEATH;
	if (!initscript_is_text(L, 2, "net_port"))
		luaL_error(L, "invalid argument 2");
	return NET_PORT;
}

static int l_landlock_add_rule(lua_State *L)
{
	lua_settop(L, 4);
	int fd = check_ruleset_fd(L);
	enum rule_type type = check_rule_type(L);
	if (!lua_istable(L, 3))
		return luaL_error(L, "table expected for argument 3");
	check_flags(L, 4);
	union {
		struct landlock_path_beneath_attr path_beneath;
		struct net_port_attr net_port;
	} attr;
	if (type == PATH_BENEATH)
		attr.path_beneath = read_path_beneath(L, 3);
	else
		attr.net_port = read_net_port(L, 3);
	uint32_t flags = read_exact_flags(L, 4, &add_rule_flags);
	return initscript_result(L, "landlock_add_rule",
	                         syscall(SYS_landlock_add_rule, fd, type, &attr, flags));
}

static int l_landlock_restrict_self(lua_State *L)
{
	lua_settop(L, 2);
	int fd = check_ruleset_fd(L);
	check_flags(L, 2);
	uint32_t flags = read_exact_flags(L, 2, &restrict_self_flags);
	return initscript_result(
	        L, "landlock_restrict_self",
	        initscript_operations_of(L)->restrict_self(initscript_script_of(L), fd, flags));
}

const struct initscript_function initscript_landlock_functions[] = {
        {"landlock_create_ruleset", l_landlock_create_ruleset},
        {"landlock_add_rule", l_landlock_add_rule},
        {"landlock_restrict_self", l_landlock_restrict_self},
        {NULL, NULL},
};
