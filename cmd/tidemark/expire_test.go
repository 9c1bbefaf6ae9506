package main

import (
	"strings"
	"testing"
	"time"

	"tidemark/sinks/archive"
)

// Rows expire in a bucket while a process writes to it, and while none does: the chains stay whole, and the process goes on behind
// them. boto3 sees when that was.
func TestBucketExpires(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.addBucket()
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\n" + b.section())
	expire := func(age string, flags ...string) string {
		return s.tidemark(append([]string{"archive", "expire", "s3://captures/prod", "--endpoint", b.URL, "--path-style", "--older-than", age}, flags...)...)
	}
	expired := func() (rows int64) {
		for _, c := range b.report().Chains {
			rows += c.Expired
		}
		return rows
	}
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	p := s.run("--instance", "a")
	sent := int64(0)
	for i := range 3 {
		s.publish(minutes("number", start.Add(time.Duration(2*i)*time.Minute), 30, 30)...)
		sent += 60
		await(t, "the rows in the archive", func() bool { return b.rows()+expired() == sent })
		if i == 2 {
			break // these stay
		}
		if text := expire("10d"); text != "nothing is so old\n" {
			t.Errorf("expire says %q", text)
		}
		await(t, "rows that are a second old", func() bool { return strings.Count(expire("1s", "--dry-run"), "would expire: capture partition ") == 3 })
		if got := expired(); got != sent-60 {
			t.Errorf("dry runs took away %d rows", got-(sent-60))
		}
		await(t, "all rows to expire", func() bool { expire("1s"); return expired() == sent })
		if i == 1 {
			p.stop()
			p = s.run("--instance", "a")
		}
	}
	p.stop()
	report := b.verified(60)
	if got := expired(); got != 120 || len(report.Findings) > 0 {
		t.Errorf("%d rows expired, want 120; findings %+v", got, report.Findings)
	}
	var metadata map[string]map[string]string
	decode(t, b.do("get", "captures", "copy"), &metadata)
	dated := 0
	for key, m := range metadata {
		if m["tidemark-expired"] == "" {
			continue
		}
		dated++
		if _, err := time.Parse(time.RFC3339, m["tidemark-expired"]); err != nil || m["tidemark-rows"] != "0" || m["tidemark-expired-rows"] == "0" {
			t.Errorf("the metadata of %s are %v", key, m)
		}
	}
	if dated < 6 {
		t.Errorf("%d objects say that they have expired, want 6 at least", dated)
	}
}

// report is what archive verify says.
func (b *bucket) report() (report archive.Report) {
	b.s.t.Helper()
	_, out := b.verify("--json")
	decode(b.s.t, []byte(out), &report)
	return report
}
