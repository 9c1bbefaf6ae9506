package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readiness is which roles of the process are ready.
type readiness struct {
	mu    sync.Mutex
	ready map[string]bool
}

// role adds a role, not ready yet, and returns what it reports with.
func (r *readiness) role(name string) func(bool) {
	set := func(ready bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.ready == nil {
			r.ready = map[string]bool{}
		}
		r.ready[name] = ready
	}
	set(false)
	return set
}

// missing returns the roles that are not ready.
func (r *readiness) missing() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for name, ready := range r.ready {
		if !ready {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// startServer serves metrics, health and profiles.
func startServer(listen string, registry *prometheus.Registry, state *readiness, log *slog.Logger) (*http.Server, error) {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("serve HTTP: %w: set http.listen to another address", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if missing := state.missing(); len(missing) > 0 {
			http.Error(w, fmt.Sprintf("not ready: %v", missing), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "tidemark %s\n\n/metrics  for Prometheus\n/healthz  is the process alive\n/readyz   are its roles restored and reading\n/debug/pprof/  where its time and memory go\n", version)
	})
	server := &http.Server{Addr: listener.Addr().String(), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("HTTP stopped", "error", err)
		}
	}()
	return server, nil
}
