// Pass-file has an actor that can open no file compute the checksum of files that it gets opened.
//
//	pass-file FILE... prints the SHA-256 of each.
package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-initscript/initscript"
)

//go:embed pass-file.lua
var script string

func init() { initscript.Register("checksums", checksums) }

func main() {
	initscript.Main()
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pass-file:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, paths []string, output io.Writer) error {
	actor, err := initscript.Spawn(ctx, initscript.Actor{
		Entry: "checksums", Script: script, ScriptName: "pass-file.lua", Stderr: os.Stderr,
	})
	if err != nil {
		return err
	}
	for _, path := range paths {
		sum, err := checksum(ctx, actor, path)
		if err != nil {
			actor.Kill()
			return errors.Join(err, actor.Wait())
		}
		fmt.Fprintf(output, "%s  %s\n", sum, path)
	}
	actor.Close()
	return actor.Wait()
}

func checksum(ctx context.Context, actor *initscript.Actor, path string) (any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := actor.Send(ctx, map[string]any{"name": path, "file": file}); err != nil {
		return nil, err
	}
	return actor.Receive(ctx)
}

// checksums runs in the actor.
func checksums(self *initscript.Self) error {
	ctx := context.Background()
	for {
		message, err := self.Receive(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		request := message.(map[string]any)
		if _, err := os.Open(request["name"].(string)); err == nil {
			return errors.New("this actor can open files by itself")
		}
		file := request["file"].(*os.File)
		sum := sha256.New()
		_, err = io.Copy(sum, file)
		file.Close()
		if err != nil {
			return err
		}
		if err := self.Send(ctx, fmt.Sprintf("%x", sum.Sum(nil))); err != nil {
			return err
		}
	}
}
