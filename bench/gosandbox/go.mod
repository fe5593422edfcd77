module github.com/go-initscript/initscript/bench/gosandbox

go 1.25.0

require (
	github.com/criyle/go-sandbox v0.11.8
	golang.org/x/sys v0.40.0
)
