package store

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tidemark/testbed"
)

// newBucket makes a bucket on a server, with the configuration that a user would give, and returns a client of its owner.
func newBucket(t *testing.T, server *testbed.SeaweedFS, c Config) *S3 {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	c.Endpoint, c.PathStyle = server.URL, true
	s, err := newS3(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &s.bucket}); err != nil {
		t.Fatal(err)
	}
	return s
}

// The policies of these buckets refuse every put that does not ask for the encryption that was configured, so that all
// of a store's puts are seen to ask for it; the server encrypts, and says so of each object. A store that is not
// configured so is told what to do.
func TestEncryption(t *testing.T) {
	server := testbed.StartSeaweedFS(t)
	for _, test := range []struct {
		config      Config
		header, key string
	}{
		{Config{URL: "s3://sse-s3/some/prefix", SSE: "s3"}, "AES256", ""},
		{Config{URL: "s3://sse-kms/some/prefix", SSE: "kms", KMSKey: "tidemark-key"}, "aws:kms", "tidemark-key"},
	} {
		t.Run(test.config.SSE, func(t *testing.T) {
			s := newBucket(t, server, test.config)
			policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
				{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::%[1]s", "arn:aws:s3:::%[1]s/*"]},
				{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::%[1]s/*",
					"Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": %[2]q}}}]}`, s.bucket, test.header)
			if _, err := s.client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &s.bucket, Policy: &policy}); err != nil {
				t.Fatal(err)
			}
			conform(t, s)
			out, err := s.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &s.bucket, Key: s.key("put/a")})
			if err != nil {
				t.Fatal(err)
			}
			if key := out.SSEKMSKeyId; string(out.ServerSideEncryption) != test.header || test.key != "" && (key == nil || *key != test.key) {
				t.Errorf("the object is encrypted by %q with the key %v, want %q and %q", out.ServerSideEncryption, key, test.header, test.key)
			}
			plain := *s
			plain.config.SSE, plain.config.KMSKey = "", ""
			err = plain.Put(t.Context(), "plain", []byte("x"), nil)
			if want := "or, where the bucket's policy asks for encryption, set sse: s3, or sse: kms and kms_key"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a put without encryption gives %v, want %q", err, want)
			}
		})
	}
}

// Credentials are found where the AWS command line finds them: in the environment, in a profile of the shared files, and
// at the address that a container is given for its role.
func TestCredentials(t *testing.T) {
	server := testbed.StartSeaweedFS(t)
	c := Config{URL: "s3://credentials", Endpoint: server.URL, PathStyle: true}
	newBucket(t, server, c)
	role := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "of the container" {
			http.Error(w, "who is it?", http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{ // an error is one of the client's
			"AccessKeyId": server.AccessKey, "SecretAccessKey": server.SecretKey, "Expiration": "2099-01-01T00:00:00Z"})
	}))
	defer role.Close()
	file := filepath.Join(t.TempDir(), "credentials")
	profile := fmt.Sprintf("[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n\n[archive]\naws_access_key_id = %s\naws_secret_access_key = %s\n", server.AccessKey, server.SecretKey)
	if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, environment := range map[string]map[string]string{
		"environment":         {"AWS_ACCESS_KEY_ID": server.AccessKey, "AWS_SECRET_ACCESS_KEY": server.SecretKey},
		"profile":             {"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "archive"},
		"role of a container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": role.URL + "/role", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "of the container"},
		"nowhere":             {},
		"wrong profile":       {"AWS_SHARED_CREDENTIALS_FILE": file},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range map[string]string{
				"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
				"AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_CONFIG_FILE": nowhere,
				"AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "",
			} {
				t.Setenv(name, value)
			}
			for name, value := range environment {
				t.Setenv(name, value)
			}
			s, err := newS3(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Put(t.Context(), name, []byte("x"), nil)
			switch want := map[string]string{
				"nowhere":       "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
				"wrong profile": "the server does not know the credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
			}[name]; {
			case want == "" && err != nil:
				t.Error(err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}
