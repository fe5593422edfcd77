// Thumbnail makes small pictures of large ones. The decoders, which read what strangers have sent,
// run in an actor that has no file system, no network, no privileges and few system calls: whoever
// takes one over has gained nothing. It needs no privileges to begin with.
//
//	thumbnail IMAGE... writes IMAGE.thumbnail.png for each.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	"image/png"
	"io"
	"os"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/seccomp"
)

const (
	thumbnailSize = 64       // pixels
	maxPixels     = 64 << 20 // what a decoder may be asked to allocate memory for
)

//go:embed thumbnail.lua
var script string

//go:embed policy.yaml
var policyText []byte

func init() { initscript.Register("thumbnails", thumbnails) }

func main() {
	initscript.Main()
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "thumbnail:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, paths []string) error {
	decoder, err := startDecoder(ctx, "thumbnails")
	if err != nil {
		return err
	}
	defer decoder.Close()
	for _, path := range paths {
		picture, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		thumbnail, err := request(ctx, decoder, picture)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(path+".thumbnail.png", thumbnail, 0o644); err != nil {
			return err
		}
	}
	if err := decoder.Close(); err != nil {
		return err
	}
	return decoder.Wait()
}

// startDecoder starts an entry with nothing but its memory and its channel.
func startDecoder(ctx context.Context, entry string) (*initscript.Actor, error) {
	policy, err := seccomp.ParsePolicy(policyText)
	if err != nil {
		return nil, err
	}
	filter, err := policy.Compile()
	if err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if _, err := writer.Write(filter); err != nil {
		return nil, err
	}
	writer.Close()
	return initscript.Spawn(ctx, initscript.Actor{
		Entry:      entry,
		Script:     script,
		ScriptName: "thumbnail.lua",
		Arg:        reader,
		Namespaces: initscript.NewUser | initscript.NewMount | initscript.NewPID | initscript.NewNet |
			initscript.NewIPC | initscript.NewUTS,
		UIDMap: []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GIDMap: []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Env:    []string{"GOMAXPROCS=1", "GOMEMLIMIT=512MiB"},
		Stderr: os.Stderr,
	})
}

// request has one thumbnail made. What comes back is not trusted either.
func request(ctx context.Context, decoder *initscript.Actor, picture []byte) ([]byte, error) {
	if err := decoder.Send(ctx, picture); err != nil {
		return nil, err
	}
	answer, err := decoder.Receive(ctx)
	if err == io.EOF {
		return nil, fmt.Errorf("the decoder has ended: %w", decoder.Wait())
	}
	switch answer := answer.(type) {
	case []byte:
		return answer, err
	case string:
		return nil, errors.New(answer)
	}
	return nil, fmt.Errorf("unexpected answer %v: %w", answer, err)
}

// thumbnails is what runs in the actor. It answers a picture with a picture or the text of an error.
func thumbnails(self *initscript.Self) error {
	ctx := context.Background()
	for {
		message, err := self.Receive(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		picture, _ := message.([]byte)
		var answer any
		if answer, err = thumbnail(picture); err != nil {
			answer = err.Error()
		}
		if err := self.Send(ctx, answer); err != nil {
			return err
		}
	}
}

func thumbnail(picture []byte) ([]byte, error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return nil, fmt.Errorf("%d × %d pixels are too many", config.Width, config.Height)
	}
	large, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	var encoded bytes.Buffer
	err = png.Encode(&encoded, shrink(large))
	return encoded.Bytes(), err
}

// shrink takes one of many pixels.
func shrink(large image.Image) image.Image {
	bounds := large.Bounds()
	step := max((max(bounds.Dx(), bounds.Dy())+thumbnailSize-1)/thumbnailSize, 1)
	small := image.NewRGBA(image.Rect(0, 0, (bounds.Dx()+step-1)/step, (bounds.Dy()+step-1)/step))
	for y := range small.Bounds().Dy() {
		for x := range small.Bounds().Dx() {
			small.Set(x, y, large.At(bounds.Min.X+x*step, bounds.Min.Y+y*step))
		}
	}
	return small
}
