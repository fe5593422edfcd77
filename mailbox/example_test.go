package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/go-initscript/initscript/mailbox"
)

// A question carries the address for its answer.
func ExampleInbox() {
	ctx := context.Background()
	questions := mailbox.NewInbox()
	defer questions.Close()
	ask, err := questions.Address()
	if err != nil {
		log.Fatal(err)
	}

	go func() { // this could be another process
		for {
			message, err := questions.Receive(ctx)
			var malformed *mailbox.MessageError
			if errors.As(err, &malformed) { // from one of those who ask; the others go on
				log.Print(err)
				continue
			}
			if err != nil { // io.EOF: all channels to us are closed
				return
			}
			question := message.(map[string]any)
			answer := question["answer"].(*mailbox.Channel)
			answer.Send(ctx, question["a"].(int64)+question["b"].(int64))
			answer.Close()
		}
	}()

	answers := mailbox.NewInbox()
	defer answers.Close()
	answer, err := answers.Address()
	if err != nil {
		log.Fatal(err)
	}
	if err := ask.Send(ctx, map[string]any{"a": 40, "b": 2, "answer": answer}); err != nil {
		log.Fatal(err)
	}
	ask.Close()
	answer.Close() // the other side has its own

	sum, err := answers.Receive(ctx)
	fmt.Println(sum, err)
	_, err = answers.Receive(ctx)
	fmt.Println(err)
	// Output:
	// 42 <nil>
	// EOF
}

// An open file goes to somebody who could not open it.
func ExampleChannel_Send() {
	ctx := context.Background()
	inbox := mailbox.NewInbox()
	defer inbox.Close()
	channel, err := inbox.Address()
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()

	null, err := os.Open("/dev/null")
	if err != nil {
		log.Fatal(err)
	}
	err = channel.Send(ctx, []any{"read this", null})
	null.Close()
	if err != nil {
		log.Fatal(err)
	}

	message, err := inbox.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	file := message.([]any)[1].(*os.File)
	defer file.Close()
	content, err := io.ReadAll(file)
	fmt.Println(len(content), err)
	// Output: 0 <nil>
}

// What cannot be sent is named by its path in the message.
func ExampleMessageError() {
	inbox := mailbox.NewInbox()
	defer inbox.Close()
	channel, err := inbox.Address()
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()
	err = channel.Send(context.Background(), map[string]any{"image": []any{1, 2, 3, nil}})
	fmt.Println(err)
	var messageErr *mailbox.MessageError
	if errors.As(err, &messageErr) {
		fmt.Println(messageErr.Path)
	}
	// Output:
	// send message: ["image"][3]: nil cannot be sent
	// ["image"][3]
}

// A bound for small messages keeps what a peer can use up small.
func ExampleInbox_SetLimit() {
	inbox := mailbox.NewInbox()
	defer inbox.Close()
	inbox.SetLimit(64 << 10)
	channel, err := inbox.Address()
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()
	if err := channel.Send(context.Background(), make([]byte, 1<<20)); err != nil {
		log.Fatal(err)
	}
	_, err = inbox.Receive(context.Background())
	fmt.Println(err)
	_, err = inbox.Receive(context.Background())
	fmt.Println(err)
	// Output:
	// receive message: too large: it costs its receiver more than the limit of 65536 bytes
	// EOF
}
