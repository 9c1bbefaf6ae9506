package testbed

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// told is a test that writes down how it ended.
type told struct {
	testing.TB
	skipped, failed string
}

func (f *told) Name() string { return "TestTold" }

func (f *told) Skip(arguments ...any) {
	f.skipped = fmt.Sprint(arguments...)
	panic(f)
}

func (f *told) Fatalf(format string, arguments ...any) {
	f.failed = fmt.Sprintf(format, arguments...)
	panic(f)
}

// tell runs something that may end the test.
func tell(t *testing.T, do func(testing.TB)) (f *told) {
	f = &told{TB: t}
	defer func() {
		if r := recover(); r != nil && r != any(f) {
			panic(r)
		}
	}()
	do(f)
	return f
}

func TestNeed(t *testing.T) {
	noted := filepath.Join(t.TempDir(), "skipped")
	t.Setenv("TIDEMARK_SKIPPED", noted)
	t.Setenv("TIDEMARK_REQUIRE", "")
	ask := func(programs ...string) *told { return tell(t, func(tb testing.TB) { Need(tb, programs...) }) }

	if f := ask("go"); f.skipped != "" || f.failed != "" {
		t.Errorf("go is there, but: skipped %q, failed %q", f.skipped, f.failed)
	}
	if _, err := os.Stat(noted); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was noted though nothing was skipped: %v", err)
	}
	for range 2 {
		if f := ask("go", "no-such-program"); f.skipped != "no-such-program is not installed" || f.failed != "" {
			t.Errorf("skipped %q, failed %q", f.skipped, f.failed)
		}
	}
	text, err := os.ReadFile(noted)
	if want := strings.Repeat("TestTold (no-such-program is not installed)\n", 2); err != nil || string(text) != want {
		t.Errorf("noted %q, want %q (%v)", text, want, err)
	}
	t.Setenv("TIDEMARK_REQUIRE", "all")
	if f := ask("no-such-program"); f.skipped != "" || f.failed != "no-such-program is not installed, and TIDEMARK_REQUIRE=all" {
		t.Errorf("with TIDEMARK_REQUIRE=all: skipped %q, failed %q", f.skipped, f.failed)
	}
}

// What several tests ask for at once is installed once; what failed is tried again.
func TestInstalled(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("TIDEMARK_REQUIRE", "")
	t.Setenv("TIDEMARK_SKIPPED", "")
	if f := tell(t, func(tb testing.TB) {
		installed(tb, "thing", func(string) error { return errors.New("registry is away\nand more") })
	}); f.skipped != "thing cannot be installed: registry is away\nand more" {
		t.Errorf("skipped %q", f.skipped)
	}
	var mu sync.Mutex
	var dirs []string
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			dir := installed(t, "thing", func(dir string) error {
				mu.Lock()
				defer mu.Unlock()
				dirs = append(dirs, dir)
				return os.WriteFile(filepath.Join(dir, "content"), []byte("whole"), 0o644)
			})
			if text, err := os.ReadFile(filepath.Join(dir, "content")); err != nil || string(text) != "whole" {
				t.Errorf("the thing is %q, %v", text, err)
			}
		})
	}
	all.Wait()
	if len(dirs) != 1 {
		t.Errorf("installed %d times, want once", len(dirs))
	}
}

// The listeners of the broker ask for what they should and show the certificates that they should.
func TestKafka(t *testing.T) {
	t.Parallel()
	k := StartKafka(t, "alice")
	file := func(name string) string { return filepath.Join(k.Certificates, name) }
	pool := func(name string) *x509.CertPool {
		text, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			t.Fatalf("%s holds no certificate", name)
		}
		return pool
	}
	client, err := tls.LoadX509KeyPair(file("client.pem"), file("client.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, address, ca string
		certificates      []tls.Certificate
		want              string // the end of the error
	}{
		{"right authority", k.SASL, "ca.pem", nil, ""},
		{"wrong authority", k.SASL, "stranger.pem", nil, "certificate signed by unknown authority"},
		{"expired", k.Expired, "ca.pem", nil, "certificate has expired or is not yet valid"},
		{"client certificate", k.MTLS, "ca.pem", []tls.Certificate{client}, ""},
		{"no client certificate", k.MTLS, "ca.pem", nil, "remote error: tls:"},
	} {
		connection, err := tls.Dial("tcp", c.address, &tls.Config{RootCAs: pool(c.ca), Certificates: c.certificates})
		if err == nil {
			// The refusal of a client certificate comes after the handshake; a good connection says nothing, and a
			// request of no length ends it.
			if _, err = connection.Write([]byte{0, 0, 0, 0}); err == nil {
				_, err = connection.Read(make([]byte, 1))
			}
			connection.Close()
			if c.want == "" && !strings.Contains(fmt.Sprint(err), "tls") {
				err = nil
			}
		}
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	write := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	alertmanager := StartAlertmanager(t, write("alertmanager.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n"))
	prometheus := StartPrometheus(t, write("prometheus.yml", "scrape_configs: []\n"))
	for _, url := range []string{alertmanager + "/api/v2/status", prometheus + "/api/v1/query?query=1"} {
		if !answers(url) {
			t.Errorf("%s does not answer", url)
		}
	}
}
