package testbed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// put sends a request that is signed with AWS Signature Version 4 and returns the status of the answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func put(t *testing.T, url, key, secret, body string, onlyIfAbsent bool) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	now := time.Now().UTC().Format("20060102T150405Z")
	day := now[:8]
	const names = "host;x-amz-content-sha256;x-amz-date"
	canonical := fmt.Sprintf("PUT\n%s\n\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n%s\n%[3]s", request.URL.Path, request.URL.Host, hash(body), now, names)
	scope := day + "/us-east-1/s3/aws4_request"
	signing := []byte("AWS4" + secret)
	for _, part := range strings.Split(scope, "/") {
		signing = mac(signing, part)
	}
	signature := mac(signing, fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s\n%s", now, scope, hash(canonical)))
	request.Header.Set("X-Amz-Date", now)
	request.Header.Set("X-Amz-Content-Sha256", hash(body))
	request.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x", key, scope, names, signature))
	if onlyIfAbsent {
		request.Header.Set("If-None-Match", "*")
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// The store takes objects of who may write, and refuses a second one of the same name if asked to.
func TestSeaweedFS(t *testing.T) {
	t.Parallel()
	s := StartSeaweedFS(t)
	for _, c := range []struct {
		what, path, key, secret, body string
		onlyIfAbsent                  bool
		want                          int
	}{
		{"make a bucket", "/bucket", s.AccessKey, s.SecretKey, "", false, http.StatusOK},
		{"put an object", "/bucket/a", s.AccessKey, s.SecretKey, "one", true, http.StatusOK},
		{"put it again", "/bucket/a", s.AccessKey, s.SecretKey, "two", true, http.StatusPreconditionFailed},
		{"with a wrong secret", "/bucket/b", s.AccessKey, "guess", "three", false, http.StatusForbidden},
		{"without the right to write", "/bucket/b", s.ReadKey, s.SecretKey, "three", false, http.StatusForbidden},
	} {
		if got := put(t, s.URL+c.path, c.key, c.secret, c.body, c.onlyIfAbsent); got != c.want {
			t.Errorf("%s: status %d, want %d", c.what, got, c.want)
		}
	}
}
