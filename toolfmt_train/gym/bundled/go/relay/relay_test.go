package relay

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

func pipe(t *testing.T, relay *Relay, name string) *bufio.Scanner {
	t.Helper()
	ours, theirs := net.Pipe()
	if err := relay.Add(name, theirs); err != nil {
		t.Fatalf("Add(%q): %v", name, err)
	}
	t.Cleanup(func() { ours.Close() })
	return bufio.NewScanner(ours)
}

func TestCopy(t *testing.T) {
	relay := New(1)
	lines := pipe(t, relay, "a")
	done := make(chan error, 1)
	go func() { done <- relay.Copy(context.Background(), strings.NewReader("one\ntwo\n")) }()
	for _, want := range []string{"one", "two"} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("got %q, want %q", lines.Text(), want)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestClosed(t *testing.T) {
	relay := New(1)
	if err := relay.Close(); err != nil {
		t.Fatal(err)
	}
	if err := relay.Send("x"); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}
