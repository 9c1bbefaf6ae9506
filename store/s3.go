package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// requestTimeout is long because some servers need seconds to decide between writers of one key.
const requestTimeout = 2 * time.Minute

// S3 keeps each object as one of a bucket's. Credentials come from where the AWS command line finds them: the
// environment, the shared files, or the machine's role.
type S3 struct {
	client         *s3.Client
	bucket, prefix string
	config         Config
}

func newS3(ctx context.Context, c Config) (*S3, error) {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(requestTimeout)),
	}
	if c.Region != "" {
		options = append(options, awsconfig.WithRegion(c.Region))
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("find the settings of S3: %w", err)
	}
	if loaded.Region == "" {
		if c.Endpoint == "" {
			return nil, fmt.Errorf("the region of %s is not known: set region beside url, or AWS_REGION", c.URL)
		}
		loaded.Region = "us-east-1" // what servers of their own expect in a signature
	}
	client := s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = c.PathStyle
		o.DisableLogOutputChecksumValidationSkipped = true
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	bucket, prefix, _ := c.bucket()
	return &S3{client, bucket, prefix, c}, nil
}

// String is the URL.
func (s *S3) String() string { return s.config.URL }

func (s *S3) key(key string) *string { return aws.String(s.prefix + key) }

// List asks for a thousand objects at a time.
func (s *S3) List(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		input := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.key(prefix)}
		if after != "" {
			input.StartAfter = s.key(after)
		}
		for pages := s3.NewListObjectsV2Paginator(s.client, input); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Object{}, s.fail("list", prefix, err))
				return
			}
			for _, o := range page.Contents {
				key := strings.TrimPrefix(aws.ToString(o.Key), s.prefix)
				if key <= after || strings.HasSuffix(key, "/") {
					continue // a folder that some servers list, or what one that ignores StartAfter lists
				}
				if !yield(Object{Key: key, Size: aws.ToInt64(o.Size)}, nil) {
					return
				}
			}
		}
	}
}

// Get reads the object; the client compares it with the checksum that the server kept.
func (s *S3) Get(ctx context.Context, key string) ([]byte, Object, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: s.key(key), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return nil, Object{}, s.fail("get", key, err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, Object{}, s.fail("get", key, err)
	}
	return content, Object{Key: key, Size: int64(len(content)), ETag: aws.ToString(out.ETag), Metadata: lower(out.Metadata)}, nil
}

// Head asks for the object without its content.
func (s *S3) Head(ctx context.Context, key string) (Object, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: s.key(key)})
	if err != nil {
		return Object{}, s.fail("head", key, err)
	}
	return Object{Key: key, Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), Metadata: lower(out.Metadata)}, nil
}

// Put makes the object with If-None-Match.
func (s *S3) Put(ctx context.Context, key string, content []byte, metadata map[string]string) error {
	input := s.input(key, content, metadata)
	input.IfNoneMatch = aws.String("*")
	_, err := s.client.PutObject(ctx, input)
	if refused(err) {
		return ErrExists
	}
	return s.fail("put", key, err)
}

// Replace changes the object with If-Match.
func (s *S3) Replace(ctx context.Context, key string, content []byte, metadata map[string]string, etag string) error {
	input := s.input(key, content, metadata)
	input.IfMatch = &etag
	_, err := s.client.PutObject(ctx, input)
	if err = s.fail("replace", key, err); refused(err) || errors.Is(err, ErrNotFound) {
		return ErrChanged
	}
	return err
}

func (s *S3) input(key string, content []byte, metadata map[string]string) *s3.PutObjectInput {
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)))
	input := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: s.key(key), Metadata: metadata,
		Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))),
		// A checksum in the header, not behind the content: more servers know it.
		ChecksumCRC32C: aws.String(base64.StdEncoding.EncodeToString(sum)),
	}
	switch s.config.SSE {
	case "s3":
		input.ServerSideEncryption = types.ServerSideEncryptionAes256
	case "kms":
		input.ServerSideEncryption = types.ServerSideEncryptionAwsKms
		if s.config.KMSKey != "" {
			input.SSEKMSKeyId = &s.config.KMSKey
		}
	}
	return input
}

// refused says whether the server refused the condition of a put.
func refused(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "PreconditionFailed" {
		return true
	}
	return status(err) == http.StatusPreconditionFailed
}

func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// fail says what was asked for, and what to do about the errors that people meet.
func (s *S3) fail(verb, key string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	code := ""
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	at := fmt.Sprintf("%s s3://%s/%s%s", verb, s.bucket, s.prefix, key)
	switch {
	case code == "NoSuchBucket":
		return fmt.Errorf("%s: there is no bucket %q: make it, or name another in url: %w", at, s.bucket, err)
	case code == "NoSuchKey", code == "NotFound", status(err) == http.StatusNotFound:
		return fmt.Errorf("%s: %w", at, ErrNotFound)
	case code == "InvalidAccessKeyId", code == "SignatureDoesNotMatch":
		return fmt.Errorf("%s: the server does not know the credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, to those of a user who may use the bucket: %w", at, err)
	case code == "AccessDenied", status(err) == http.StatusForbidden:
		return fmt.Errorf("%s: the credentials lack a right: allow s3:GetObject and s3:PutObject on the objects and s3:ListBucket on the bucket, or, where the bucket's policy asks for encryption, set sse: s3, or sse: kms and kms_key: %w", at, err)
	case strings.Contains(err.Error(), "get credentials: "): // the client has no type for it
		return fmt.Errorf("%s: there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role: %w", at, err)
	}
	return fmt.Errorf("%s: %w", at, err)
}

// lower makes the keys what they were: some servers write headers their own way.
func lower(metadata map[string]string) map[string]string {
	m := make(map[string]string, len(metadata))
	for key, value := range metadata {
		m[strings.ToLower(key)] = value
	}
	return m
}
