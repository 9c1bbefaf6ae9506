package processor

import (
	"context"
	"encoding/binary"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// line is a process's way to the brokers.
type line struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	off   bool
	until time.Time // it hangs
	lost  *kmsg.Key // the answer to the next such request is
	conns []*wire
}

func (l *line) connect(ctx context.Context, network, address string) (net.Conn, error) {
	l.wait()
	conn, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		conn.Close()
		return nil, unreachable(network)
	}
	c := &wire{Conn: conn, line: l}
	l.conns = append(l.conns, c)
	return c, nil
}

// unreachable is how the system refuses to connect: the client waits after some kinds of errors and not after others.
func unreachable(network string) error {
	return &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
}

func (l *line) cut(off bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = off
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}

func (l *line) hang(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = time.Now().Add(d)
}

func (l *line) lose(key kmsg.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = &key
}

// wait returns when the line does not hang.
func (l *line) wait() {
	for {
		l.mu.Lock()
		d := time.Until(l.until)
		l.mu.Unlock()
		if d <= 0 {
			return
		}
		time.Sleep(d)
	}
}

type wire struct {
	net.Conn
	line *line
	deaf bool // guarded by the line: the next answer is lost
}

// Write sends a request: its length, then its key.
func (c *wire) Write(b []byte) (int, error) {
	c.line.wait()
	if len(b) > 6 {
		c.line.mu.Lock()
		if c.line.lost != nil && kmsg.Key(binary.BigEndian.Uint16(b[4:])) == *c.line.lost {
			c.line.lost, c.deaf = nil, true
		}
		c.line.mu.Unlock()
	}
	return c.Conn.Write(b)
}

func (c *wire) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.line.wait()
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	if c.deaf {
		c.Close()
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return n, err
}
