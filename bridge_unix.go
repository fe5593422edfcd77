//go:build (linux || freebsd) && cgo

package initscript

import (
	"context"
	"os"

	"github.com/go-initscript/initscript/internal/bridge"
)

func init() {
	bridge.Start = startForLuaHost
	bridge.Detach = func(cmd any) error { return cmd.(*Cmd).detach() }
}

// startForLuaHost is Spawn for a host in Lua: that talks to the script while it runs, and reads and
// writes the sockets itself.
func startForLuaHost(ctx context.Context, description any) (cmd any, channel, inbox *os.File, err error) {
	a := description.(Actor)
	if a.Module+a.ModuleSource != "" {
		err = a.checkModule()
	}
	if err != nil {
		return nil, nil, nil, err
	}
	a.prepare(ctx)
	down, up, err := channelPairs()
	if err != nil {
		return nil, nil, nil, err
	}
	a.cmd.actor = &actorFiles{actor: &a, inbox: down[1], parent: up[1]}
	err = a.cmd.Start()
	closeFiles([]*os.File{down[1], up[1]})
	if err != nil {
		closeFiles([]*os.File{down[0], up[0]})
		return nil, nil, nil, err
	}
	return a.cmd, down[0], up[0], nil
}
