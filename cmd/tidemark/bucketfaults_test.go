package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tidemark/testbed"
)

// What is wrong with a bucket is named by `check --connect` and by `run`, with what to do, and no secret is shown.
func TestBucketFaultsAreNamed(t *testing.T) {
	store := testbed.StartSeaweedFS(t)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": store.AccessKey, "AWS_SECRET_ACCESS_KEY": store.SecretKey, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	made, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(made, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String(store.URL), true })
	await(t, "a bucket", func() bool {
		_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("captures")})
		return err == nil
	})
	s := newSite(t)
	s.trainNumber()
	for _, test := range []struct{ name, bucket, endpoint, key, secret, want string }{
		{"good", "captures", store.URL, store.AccessKey, store.SecretKey, "can be written to and read, and honours conditions"},
		{"missing bucket", "nowhere", store.URL, store.AccessKey, store.SecretKey, `there is no bucket "nowhere": make it, or name another in url`},
		{"no rights", "captures", store.URL, store.ReadKey, store.SecretKey, "the credentials lack a right: allow s3:GetObject and s3:PutObject on the objects and s3:ListBucket on the bucket"},
		{"wrong secret", "captures", store.URL, store.AccessKey, "wrong-" + store.SecretKey, "the server does not know the credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
		{"nothing there", "captures", "http://" + freeAddress("127.0.0.1:0"), store.AccessKey, store.SecretKey, "connection refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", test.key)
			t.Setenv("AWS_SECRET_ACCESS_KEY", test.secret)
			s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\narchive: {url: \"s3://" + test.bucket + "/x-" + strings.ReplaceAll(test.name, " ", "-") + "\", endpoint: \"" + test.endpoint + "\", path_style: true}\n")
			check := s.start("check", "--connect")
			code, out := check.wait(), check.stdout.String()
			if want := map[bool]int{true: 0, false: exitFailed}[test.name == "good"]; code != want || !strings.Contains(out, test.want) {
				t.Errorf("check --connect ends with %d, want %d, and says\n%s\nwant %q", code, want, out, test.want)
			}
			p := s.run("--instance", "bucket")
			if test.name != "good" {
				await(t, "run to name the fault", func() bool { return strings.Contains(strings.ReplaceAll(p.stderr.String(), `\"`, `"`), test.want) })
			}
			await(t, "/readyz, whatever the archive does", func() bool {
				code, _ := get(t, p.http()+"/readyz")
				return code == http.StatusOK
			})
			p.stop()
			for _, text := range []string{out, check.stderr.String(), p.stderr.String()} {
				if strings.Contains(text, store.SecretKey) {
					t.Errorf("the secret is shown: %s", text)
				}
			}
		})
	}
}
