//go:build linux

package main

import "fmt"

// budgetResult compares one budget with what was measured.
type budgetResult struct {
	Name     string  `json:"name"`
	Measured float64 `json:"measured"`
	Budget   float64 `json:"budget"`
	AtLeast  bool    `json:"at_least"` // the budget is a lower bound
	Unit     string  `json:"unit"`
	Reached  bool    `json:"reached"`
	Error    string  `json:"error,omitempty"`
}

type budget struct {
	name    string
	budget  float64
	atLeast bool
	unit    string
	measure func(r *results) (float64, error)
}

var budgets = []budget{
	{name: "script finished, no namespaces / fork and _exit of the server's size",
		budget: 1.5, unit: "x",
		measure: ratio(groupScript+levelNames[none], nameOurs, nameForkExit)},
	{name: "script and /bin/true, no namespaces / limit", budget: 1.25, unit: "x",
		measure: ratio(groupProgram+levelNames[none], nameOurs, nameExec)},
	{name: "script and /bin/true, six namespaces / limit", budget: 1.25, unit: "x",
		measure: ratio(groupProgram+levelNames[six], nameOurs, nameExec)},
	{name: "script and /bin/true, namespaces and mounts / limit", budget: 1.25, unit: "x",
		measure: ratio(groupProgram+levelNames[box], nameOurs, nameExec)},
	{name: "box and /bin/true / bubblewrap with the same box", budget: 0.4, unit: "x",
		measure: ratio(groupProgram+levelNames[box], nameOurs, nameBwrap)},
	{name: "first reply of a Go actor, no namespaces / of the same program by os/exec",
		budget: 0.6, unit: "x",
		measure: ratio(groupActor+levelNames[none], nameGoActor, nameExecSelf)},
	{name: "first reply of a Go actor, six namespaces / of the same program by os/exec",
		budget: 0.6, unit: "x",
		measure: ratio(groupActor+levelNames[six], nameGoActor, nameExecSelf)},
	{name: "first reply of a Lua actor, no namespaces / of a Go actor", budget: 0.5, unit: "x",
		measure: ratio(groupActor+levelNames[none], nameLuaActor, nameGoActor)},
	{name: "first reply of a Lua actor, six namespaces / of a Go actor", budget: 0.5, unit: "x",
		measure: ratio(groupActor+levelNames[six], nameLuaActor, nameGoActor)},
	{name: "initscript run, six namespaces / bwrap --unshare-all --ro-bind / /", budget: 0.7, unit: "x",
		measure: ratio(groupProgram+levelNames[six], nameCommand, nameBwrap)},
	{name: "throughput of 8 goroutines, no namespaces / limit", budget: 0.8, atLeast: true, unit: "x",
		measure: throughputRatio(none)},
	{name: "throughput of 8 goroutines, six namespaces / limit", budget: 0.8, atLeast: true, unit: "x",
		measure: throughputRatio(six)},
	{name: "memory (PSS) of the fork server", budget: 4096, unit: "kB", measure: serverMemory},
}

func checkBudgets(r *results) []budgetResult {
	var checked []budgetResult
	for _, b := range budgets {
		c := budgetResult{Name: b.name, Budget: b.budget, AtLeast: b.atLeast, Unit: b.unit}
		measured, err := b.measure(r)
		if err != nil {
			c.Error = err.Error()
		} else {
			c.Measured = measured
			c.Reached = measured <= b.budget
			if b.atLeast {
				c.Reached = measured >= b.budget
			}
		}
		checked = append(checked, c)
	}
	return checked
}

// ratio compares the medians of two in one group.
func ratio(group, name, other string) func(*results) (float64, error) {
	return func(r *results) (float64, error) {
		a, err := r.start(group, name)
		if err != nil {
			return 0, err
		}
		b, err := r.start(group, other)
		if err != nil {
			return 0, err
		}
		return a.Median / b.Median, nil
	}
}

func throughputRatio(l level) func(*results) (float64, error) {
	return func(r *results) (float64, error) {
		for _, t := range r.Throughput {
			if t.Level == l && t.Workers == mostWorkers {
				return t.Ratio, nil
			}
		}
		return 0, fmt.Errorf("throughput with %s was not measured", levelNames[l])
	}
}

func serverMemory(r *results) (float64, error) {
	for _, m := range r.Memory {
		if m.Name == nameServerMemory && m.Error == "" {
			return m.KB, nil
		}
	}
	return 0, fmt.Errorf("memory of the fork server was not measured")
}
