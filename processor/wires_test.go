package processor

import (
	"context"
	"net"
	"sync"
)

// wires are the connections of the processes.
type wires struct {
	mu    sync.Mutex
	cut   bool
	off   map[string]bool // by instance
	conns map[string][]net.Conn
}

func (w *world) dialProcess(ctx context.Context, network, address string) (net.Conn, error) {
	return w.dialAs(ctx, "", network, address)
}

func (w *world) dialAs(ctx context.Context, instance, network, address string) (net.Conn, error) {
	w.wires.mu.Lock()
	defer w.wires.mu.Unlock()
	if w.wires.cut || w.wires.off[instance] {
		return nil, unreachable(network)
	}
	conn, err := w.network.DialContext(ctx, network, address)
	if err == nil {
		w.wires.conns[instance] = append(w.wires.conns[instance], conn)
	}
	return conn, err
}

// cutOff breaks the connections of one instance, until it is to be mended.
func (w *world) cutOff(instance string, off bool) {
	w.wires.mu.Lock()
	defer w.wires.mu.Unlock()
	w.wires.off[instance] = off
	if !off {
		return
	}
	for _, conn := range w.wires.conns[instance] {
		conn.Close()
	}
	delete(w.wires.conns, instance)
}

// cut breaks every connection of the processes; mend lets them connect again.
func (w *world) cut() {
	w.wires.mu.Lock()
	defer w.wires.mu.Unlock()
	w.wires.cut = true
	for _, conns := range w.wires.conns {
		for _, conn := range conns {
			conn.Close()
		}
	}
	clear(w.wires.conns)
}

func (w *world) mend() {
	w.wires.mu.Lock()
	defer w.wires.mu.Unlock()
	w.wires.cut = false
}
