package check

var LuaGlobals = luaGlobals()

var (
	Always    = always
	Opening   = opening
	Constants = func() map[string]*constant { return loadAPI().constants }
)

func SpanOf(function, name string) (span, bool) { return spanOf(function, name) }

func WithArguments() map[string]map[string]int {
	tables := map[string]map[string]int{}
	for name, with := range withArguments {
		tables[name] = with.needs
	}
	return tables
}

func (o openingFlag) Argument() int { return o.argument }
func (o openingFlag) Flag() string  { return o.flag }
