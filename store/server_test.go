package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tidemark/testbed"
)

// startS3 starts a server and returns the configuration of a new bucket on it.
func startS3(t *testing.T) Config {
	t.Helper()
	server := testbed.StartSeaweedFS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	c := Config{URL: "s3://conformance/some/prefix", Endpoint: server.URL, PathStyle: true}
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
		_, err := s.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(s.bucket)})
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
