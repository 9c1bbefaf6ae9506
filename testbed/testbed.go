// Package testbed starts the servers that Tidemark works with, for tests: Apache Kafka, SeaweedFS, Prometheus and
// Alertmanager. Each listens on free ports of the loopback address, keeps its data in the test's own directory and
// ends with the test.
//
// What is not installed skips the test, and the environment decides what that means: with TIDEMARK_REQUIRE=all it
// fails, and what is skipped is added, a line each, to the file that TIDEMARK_SKIPPED names, for `make test` to say.
package testbed

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to start.
const patience = 3 * time.Minute

// Need skips the test when a program is not installed, unless nothing may be skipped.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			skip(t, program+" is not installed")
		}
	}
}

// NeedRoot skips the test when its user is not the superuser, unless nothing may be skipped.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "only root may run it")
	}
}

// skip skips the test, or fails it where nothing may be skipped.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("TIDEMARK_REQUIRE") == "all" {
		t.Fatalf("%s, and TIDEMARK_REQUIRE=all", why)
	}
	note(t, why)
	t.Skip(why)
}

// note lets `make test` say that the test is skipped.
func note(t testing.TB, why string) {
	t.Helper()
	if name := os.Getenv("TIDEMARK_SKIPPED"); name != "" {
		first, _, _ := strings.Cut(why, "\n")
		if err := appendLine(name, fmt.Sprintf("%s (%s)", t.Name(), first)); err != nil {
			t.Fatalf("note what is skipped: %v", err)
		}
	}
}

func appendLine(name, line string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// installed returns the directory of the user's cache that holds a server, and installs it there first if it is not
// complete. Tests of several packages that ask at once wait for the one that installs.
func installed(t testing.TB, name string, install func(dir string) error) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("find a place to keep %s: %v", name, err)
	}
	dir := filepath.Join(cache, "tidemark", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatalf("make a place to keep %s: %v", name, err)
	}
	lock, err := os.Create(dir + ".lock")
	if err != nil {
		t.Fatalf("lock %s: %v", dir, err)
	}
	defer lock.Close() // which unlocks it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock %s: %v", dir, err)
	}
	complete := filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return dir
	}
	if err := install(dir); err != nil {
		skip(t, fmt.Sprintf("%s cannot be installed: %v", name, err))
	}
	if err := os.WriteFile(complete, nil, 0o644); err != nil {
		t.Fatalf("complete %s: %v", dir, err)
	}
	return dir
}

// execute runs a program to its end.
func execute(program string, arguments ...string) error {
	output, err := exec.Command(program, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, output)
	}
	return nil
}

var (
	portsMu sync.Mutex
	ports   = map[int]bool{} // given to a server of this process before
)

// freePort returns a port of the loopback address that nothing listens on. It is below those that the system gives to
// connections, so that none of them takes it before the server does.
func freePort(t testing.TB) int {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 1000 {
		port := 20_000 + rand.IntN(12_000)
		if ports[port] {
			continue
		}
		listener, err := net.Listen("tcp", address(port))
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			t.Fatalf("free port %d: %v", port, err)
		}
		ports[port] = true
		return port
	}
	t.Fatal("found no free port from 20000 to 31999")
	return 0
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// start starts a server that ends with the test, and waits until it is ready. What it wrote is shown if the test fails.
// stop ends it before.
func start(t testing.TB, ready func(written string) bool, program string, arguments ...string) (stop func()) {
	t.Helper()
	name := filepath.Base(program)
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, arguments...)
	command.Dir, command.Stdout, command.Stderr, command.SysProcAttr = t.TempDir(), log, log, EndWithParent()
	if err := command.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // the log says why it ended
		close(ended)
	}()
	written := func() string {
		text, _ := os.ReadFile(log.Name()) // to look into; nothing depends on it
		return string(text)
	}
	stop = func() {
		_ = command.Process.Kill() // it may have ended
		<-ended
	}
	t.Cleanup(func() {
		stop()
		_ = log.Close() // nobody writes to it any more
		if t.Failed() {
			text := written()
			t.Logf("%s wrote at last:\n%s", name, text[max(0, len(text)-10_000):])
		}
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !ready(written()); {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("%s ended before it was ready", name)
		case <-deadline:
			t.Fatalf("%s is not ready after %v", name, patience)
		}
	}
	return stop
}
