// Confine-self serves the files of a directory over HTTP. Once it listens, it confines itself to
// reading that directory: whatever goes wrong in the handling of requests, on any of its threads,
// no other file is in reach. It shows what the server answers for the files given as arguments:
//
//	confine-self /usr/share /usr/share/doc/bash/copyright /etc/passwd
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/go-initscript/initscript"
)

//go:embed jail.lua
var script string

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: confine-self DIRECTORY [FILE...]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "confine-self:", err)
		os.Exit(1)
	}
}

func run(directory string, files []string, output io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := confine(directory); err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(serveAnything)}
	defer server.Close()
	go server.Serve(listener)

	for _, file := range files {
		if err := show(output, "http://"+listener.Addr().String()+file); err != nil {
			return err
		}
	}
	return nil
}

func confine(directory string) error {
	arg, err := os.Open(directory)
	if err != nil {
		return err
	}
	defer arg.Close()
	jail := initscript.Confinement{Script: script, ScriptName: "jail.lua", Arg: arg}
	return jail.Apply()
}

// serveAnything has the bug that the jail is for: it opens whatever path it is asked for.
func serveAnything(w http.ResponseWriter, r *http.Request) {
	content, err := os.ReadFile(r.URL.Path)
	switch {
	case errors.Is(err, os.ErrPermission):
		http.Error(w, "permission denied", http.StatusForbidden)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Write(content)
	}
}

func show(output io.Writer, url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(output, "%s: %s", response.Status, body)
	return err
}
