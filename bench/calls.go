//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// callResult has the CPU time of one operation of a script, in nanoseconds.
type callResult struct {
	Name   string  `json:"name"`
	Median float64 `json:"median_ns"`
	P10    float64 `json:"p10_ns"`
	P90    float64 `json:"p90_ns"`
}

// The loop itself is measured, too, and its median subtracted. Interleaved like all else.
const callScript = `
local COUNT, ROUNDS = 50000, 15
local zero = C.open("/dev/zero", C.O_RDONLY)
local cases = {
    ["an empty loop"] = function() for _ = 1, COUNT do end end,
    ["a constant: C.O_RDONLY"] = function() for _ = 1, COUNT do local _ = C.O_RDONLY end end,
    ["a function, not called: C.read"] = function() for _ = 1, COUNT do local _ = C.read end end,
    ["C.umask(18)"] = function() for _ = 1, COUNT do C.umask(18) end end,
    ["C.read(zero, 1)"] = function() for _ = 1, COUNT do C.read(zero, 1) end end,
}
local samples = {}
for round = 1, ROUNDS do
    for name, case in pairs(cases) do
        local begin = os.clock()
        case()
        samples[#samples + 1] = string.format('{"name":%q,"ns":%f}', name,
            (os.clock() - begin) * 1e9 / COUNT)
    end
end
print("[" .. table.concat(samples, ",") .. "]")
`

const nameLoop = "an empty loop"

func measureCalls() ([]callResult, error) {
	cmd := newCmd(callScript, none, "")
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var samples []struct {
		Name string
		NS   float64
	}
	if err := json.Unmarshal(out, &samples); err != nil {
		return nil, fmt.Errorf("output of the script: %w", err)
	}
	byName := make(map[string][]float64)
	for _, s := range samples {
		byName[s.Name] = append(byName[s.Name], s.NS)
	}
	for _, values := range byName {
		slices.Sort(values)
	}
	loop := quantile(byName[nameLoop], 0.5)
	delete(byName, nameLoop)
	var results []callResult
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		at := func(p float64) float64 { return quantile(byName[name], p) - loop }
		results = append(results, callResult{Name: name, P10: at(0.1), Median: at(0.5), P90: at(0.9)})
	}
	return results, nil
}
