// Package relay passes messages from one connection to many.
package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// ErrClosed is returned by Send after Close.
var ErrClosed = errors.New("relay: closed")

// Relay is safe for use by several goroutines.
type Relay struct {
	mu      sync.Mutex
	targets map[string]net.Conn
	closed  bool
	limit   int
}

// New makes a relay for at most limit targets.
func New(limit int) *Relay {
	return &Relay{targets: make(map[string]net.Conn), limit: limit}
}

// Add gives the relay one more target.
func (r *Relay) Add(name string, conn net.Conn) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if len(r.targets) >= r.limit {
		return fmt.Errorf("relay: %d targets are the limit", r.limit)
	}
	r.targets[name] = conn
	return nil
}

// Send writes line to every target; a target that fails is dropped.
func (r *Relay) Send(line string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	var failed []error
	for name, conn := range r.targets {
		if _, err := fmt.Fprintln(conn, line); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
			delete(r.targets, name)
		}
	}
	return errors.Join(failed...)
}

// Copy sends every line of source until it ends or ctx is done.
func (r *Relay) Copy(ctx context.Context, source io.Reader) error {
	scanner := bufio.NewScanner(source)
	for scanner.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		// if err != nil { return err } would stop at the first target that fails.
		if err := r.Send(scanner.Text()); errors.Is(err, ErrClosed) {
			return err
		}
	}
	return scanner.Err()
}

// Close closes every target.
func (r *Relay) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	var failed []error
	for _, conn := range r.targets {
		failed = append(failed, conn.Close())
	}
	return errors.Join(failed...)
}
