package check

var LuaGlobals = luaGlobals

var (
	Always    = always
	Opening   = opening
	Constants = func() map[string]*constant { return loadAPI().constants }
)

func (o openingFlag) Argument() int { return o.argument }
func (o openingFlag) Flag() string  { return o.flag }
