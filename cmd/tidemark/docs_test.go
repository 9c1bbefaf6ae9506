package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidemark/testbed"
)

var codeBlock = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// examples returns the code blocks of a document, each behind the name of its language.
func examples(t *testing.T, document string) (blocks [][2]string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range codeBlock.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, [2]string{match[1], match[2]})
	}
	return blocks
}

// What docs/capture.md shows is run as it stands there, but for the addresses, against Apache Kafka and a bucket: each
// capture arrives, in a window and in the archive, and what is no capture is found where the document says.
func TestCaptureDocument(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "kcat")
	s := newPlainSite(t)
	b := s.addBucket()
	aws := testbed.Python(t, "awscli==1.46.3")
	s.env = append(s.env, "AWS_ENDPOINT_URL="+b.URL, "AWS_DEFAULT_REGION=us-east-1", fmt.Sprintf("PATH=%s:%s", aws, os.Getenv("PATH")))
	s.write("training.csv", "age,income,housing,default_probability\n"+strings.Repeat("41,38500,rent,0.07\n", 300))
	s.tidemark("baseline", "build", "training.csv", "--prediction", "default_probability")
	s.configure("  - {name: loans, baseline: baseline, windows: {size: 1s}}\n" + b.section())
	blocks := examples(t, "../../docs/capture.md")
	var languages []string
	for i, block := range blocks {
		languages = append(languages, block[0])
		blocks[i][1] = strings.ReplaceAll(block[1], "localhost:9092", s.kafka)
	}
	if want := []string{"python", "go", "sh", "python", "sh", "sh"}; !slices.Equal(languages, want) {
		t.Fatalf("the code is in %q: this test runs %q", languages, want)
	}

	// The capture bucket of the document, with two files of two hours.
	b.do("make", "my-bucket")
	for hour, income := range []string{"38501", "38502"} {
		at := time.Date(2026, 11, 24, hour, 27, 57, 0, time.UTC)
		s.write("capture.jsonl", lines([]string{captured(at, half("text/csv", "CSV", "41,"+income+",rent"), half("text/csv", "CSV", "0.07"))}))
		b.do("upload", "my-bucket", fmt.Sprintf("model-monitor/data-capture/loans/AllTraffic/2026/11/24/%02d/27-57-062-fb33.jsonl", hour), "capture.jsonl")
	}
	p := s.run()
	j := s.journal()
	shell := func(block string) string { return string(s.program("sh", "-ec", block)) }
	shell(blocks[4][1])
	j.untilRows("loans", 2)

	s.write("capture.py", blocks[0][1])
	s.program(b.python, "capture.py")
	s.write("main.go", blocks[1][1])
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(s.dir, "capture"), filepath.Join(s.dir, "main.go"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example in Go: %v\n%s", err, out)
	}
	s.program(filepath.Join(s.dir, "capture"))
	shell(blocks[2][1])
	s.write("arrow.py", blocks[3][1])
	s.program(b.python, "arrow.py")
	s.publish("no capture")
	j.untilRows("loans", 7)
	await(t, "all in the archive", func() bool { return counter(p.metrics(), "tidemark_archive_rows_total") == 8 })
	if headers := shell(blocks[5][1]); !strings.Contains(headers, "tidemark-reason=malformed") {
		t.Errorf("kcat shows of the dead letter %q", headers)
	}
	j.finish(p)
	if code, out := b.verify(); code != 0 {
		t.Errorf("archive verify ended with %d: %s", code, out)
	}
	example := []any{38500.0, 41.0, "rent", 0.07, "loans", "ok"}
	b.holds([][]any{
		example, example, example, example,
		{38501.0, 41.0, "rent", 0.07, "loans", "ok"}, {38502.0, 41.0, "rent", 0.07, "loans", "ok"},
		{38503.0, nil, "rent", 0.07, "loans", "ok"},
		{nil, nil, nil, nil, nil, "dead"},
	}, "income", "age", "housing", "default_probability", "endpoint", "status")
}

// The sample producer of the compose file plays a model server: what it publishes to Apache Kafka is windowed and
// archived, all of it.
func TestSampleProducer(t *testing.T) {
	t.Parallel()
	s := newPlainSite(t)
	b := s.addBucket()
	sample, err := filepath.Abs("../../deploy/sample/producer.py")
	if err != nil {
		t.Fatal(err)
	}
	s.write("loans.csv", string(s.program(b.python, sample, "training", "5000")))
	s.tidemark("baseline", "build", "loans.csv", "--prediction", "default_probability")
	s.configure("  - {name: loans, baseline: baseline, windows: {size: 1s}}\n" + b.section())
	p := s.run()
	producer := s.launch(exec.Command(b.python, sample, "publish", s.kafka, "capture"))
	j := s.journal()
	j.untilRows("loans", 300)
	producer.signal(syscall.SIGTERM)
	<-producer.ended
	sent := int64(len(s.records("capture")))
	j.untilRows("loans", sent)
	await(t, "all in the archive", func() bool { return counter(p.metrics(), "tidemark_archive_rows_total") == sent })
	j.finish(p)
	if rows, late, dead := j.rows("loans"), s.late("loans"), len(s.records("tidemark.deadletters")); rows != sent || late != 0 || dead != 0 {
		t.Errorf("%d captures were sent; %d windowed, %d late, %d dead", sent, rows, late, dead)
	}
	for _, r := range j.reports {
		for _, f := range r.Features {
			if f.Captured != r.Rows || f.Missing+f.Invalid > 0 {
				t.Errorf("of %d rows %s has %d captured, %d missing, %d invalid", r.Rows, f.Name, f.Captured, f.Missing, f.Invalid)
			}
		}
	}
	b.verified(sent)
}
