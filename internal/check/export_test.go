package check

var LuaGlobals = luaGlobals()

var Constants = func() map[string]*constant { return loadAPI().constants }

// Opening returns the flags for close-on-exec of the calls that have one.
func Opening() map[string]string {
	flags := map[string]string{}
	for name, f := range loadAPI().functions {
		if f.opens.flag != "" {
			flags[name] = f.opens.flag
		}
	}
	return flags
}

// Always returns the capabilities that calls need whatever their arguments are.
func Always() map[string]string {
	needed := map[string]string{}
	for name, f := range loadAPI().functions {
		if f.capability != "" {
			needed[name] = f.capability
		}
	}
	return needed
}

func WithArguments() map[string]map[string]int {
	tables := map[string]map[string]int{}
	for name, with := range withArguments {
		tables[name] = with.needs
	}
	return tables
}
