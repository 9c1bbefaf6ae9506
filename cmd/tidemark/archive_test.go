package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/sinks/archive"
)

// What is captured is archived; verify finds nothing wrong with it, and names what
// is removed, doubled or truncated.
func TestArchiveVerify(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\narchive: {url: ./captures, every: 1s}\n")
	p := s.run("--instance", "a")
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	s.publish(minutes("number", start, 30, 30)...)
	await(t, "three objects", func() bool { return counter(p.metrics(), "tidemark_archive_objects_total") == 3 })
	s.publish(append(minutes("number", start.Add(2*time.Minute), 30), "nonsense", flat("nobody", start, 1))...)
	await(t, "six objects", func() bool { return counter(p.metrics(), "tidemark_archive_objects_total") == 6 })
	p.stop()

	var report archive.Report
	decode(t, []byte(s.tidemark("archive", "verify", "captures", "--json")), &report)
	rows, chains := int64(0), 0
	for _, c := range report.Chains {
		rows, chains = rows+c.Rows, chains+1
		if c.Topic != "capture" || c.Start != 0 || c.Objects != 2 || c.Lost != 0 {
			t.Errorf("chain %+v", c)
		}
	}
	if rows != 92 || chains != 3 || len(report.Findings) != 0 {
		t.Errorf("%d rows in %d chains, want 92 in 3; findings %+v", rows, chains, report.Findings)
	}
	if text := s.tidemark("archive", "verify", "captures"); !strings.HasPrefix(text, "TOPIC ") || strings.Count(text, "\n") != 4 {
		t.Errorf("verify prints %q", text)
	}

	var objects []string
	if err := filepath.WalkDir(filepath.Join(s.dir, "captures", "v1"), func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".parquet") {
			objects = append(objects, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(objects)
	if len(objects) != 6 {
		t.Fatalf("objects %q", objects)
	}
	content, err := os.ReadFile(objects[3])
	if err != nil {
		t.Fatal(err)
	}
	double := filepath.Join(filepath.Dir(objects[3]), "00000000000000000007.parquet")
	for _, err := range []error{os.Remove(objects[0]), os.WriteFile(double, content, 0o600), os.Truncate(objects[5], 500)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	broken := s.start("archive", "verify", "captures")
	if code := broken.wait(); code != exitFound {
		t.Errorf("verify ends with %d, want %d", code, exitFound)
	}
	for kind, path := range map[string]string{"missing": objects[0], "copy": double, "damaged": objects[5]} {
		key, err := filepath.Rel(filepath.Join(s.dir, "captures"), path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(broken.stdout.String(), "\n"+kind+": "+key+"\n") {
			t.Errorf("verify does not say %s: %s, but\n%s", kind, key, broken.stdout.String())
		}
	}
	if !strings.HasSuffix(broken.stdout.String(), "\n3 findings\n") {
		t.Errorf("verify ends with the words %q", broken.stdout.String())
	}
}

// A store that cannot be used keeps neither the other roles nor the process from working.
func TestArchiveTrouble(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trainNumber()
	s.write("file", "not a directory")
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\narchive: {url: ./file/captures}\n")
	p := s.run("--instance", "a")
	s.publish(minutes("number", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), 300, 300, 30)...)
	j := s.journal()
	j.untilRows("number", 300)
	await(t, "a failed probe", func() bool { return counter(p.metrics(), "tidemark_archive_failures_total") > 0 })
	if !strings.Contains(p.stderr.String(), "the archive cannot be written, trying again") {
		t.Errorf("the log does not say what is wrong:\n%s", p.stderr.String())
	}
	p.stop()
}
