package check

var LuaGlobals = luaGlobals
