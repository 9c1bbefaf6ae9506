package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/testbed"
)

const noSpace = "no space left on device"

// A directory without room delays the archive alone: windows close and alerts come. When there is room again it has
// every record once, and nothing unfinished is left.
func TestFullArchive(t *testing.T) {
	t.Parallel()
	testbed.OnDisk(t, 4, func(t *testing.T, d *testbed.Disk) {
		s := newSite(t)
		s.trainNumber()
		archive := filepath.Join(d.Dir, "captures")
		s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}, drift: {method: psi, threshold: 0.2, min_samples: 50}, quality: []}\n" +
			fmt.Sprintf("archive: {url: %q, every: 1s}\n", archive))
		const before, after = 100 * 10, 100 * 30
		captures, _ := swinging(diskStart, 100, (before+after)/100)
		p := s.run()
		archived := func() int64 { return counter(p.metrics(), "tidemark_archive_rows_total") }
		s.publish(captures[:before]...)
		await(t, "the first rows in the archive", func() bool { return archived() == before })

		d.Fill(0)
		s.publish(captures[before:]...)
		j := s.journal()
		j.untilRows("number", before+after-100)
		await(t, "puts that fail", func() bool { return counter(p.metrics(), "tidemark_archive_failures_total") >= 3 })
		if n := archived(); n != before {
			t.Errorf("%d rows are archived on a full disk, want the %d from before", n, before)
		}
		if code, body := get(t, p.http()+"/readyz"); code != http.StatusOK {
			t.Errorf("with a full archive /readyz gives %d: %s", code, body)
		}
		if !strings.Contains(p.stderr.String(), noSpace) {
			t.Errorf("the log does not say %q", noSpace)
		}

		d.Free()
		await(t, "all rows in the archive", func() bool { return archived() == before+after })
		j.finish(p)
		s.tidemark("archive", "verify", archive)
		if left, err := os.ReadDir(filepath.Join(archive, ".new")); err != nil || len(left) > 0 {
			t.Errorf("unfinished files are left: %v, %v", left, err)
		}
	})
}

// The same with an object store whose own disk is full.
func TestFullStore(t *testing.T) {
	t.Parallel()
	testbed.OnDisk(t, 64, func(t *testing.T, d *testbed.Disk) {
		s := newSite(t)
		b := s.addBucketOn(testbed.StartSeaweedFSOn(t, d))
		s.trainNumber()
		s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}, drift: [], quality: []}\n" + b.section())
		p := s.run()
		archived := func() int64 { return counter(p.metrics(), "tidemark_archive_rows_total") }
		s.publish(minutes("number", diskStart, 300, 300)...)
		await(t, "the first rows in the archive", func() bool { return archived() == 600 })

		d.Fill(0)
		s.publish(minutes("number", diskStart.Add(2*time.Minute), 300, 300, 300)...)
		j := s.journal()
		j.untilRows("number", 1200)
		// The store's files have room left for what is small.
		for range 30 {
			s.publish(fmt.Sprintf(`{"endpoint":"nobody","time":%d,"features":{"x":%q}}`, diskStart.UnixMilli(), noise(64<<10)))
		}
		await(t, "requests that fail", func() bool { return counter(p.metrics(), "tidemark_archive_failures_total") >= 3 })
		if said := "the archive cannot be written, trying again"; !strings.Contains(p.stderr.String(), said) {
			t.Errorf("the log does not say %q", said)
		}

		b.Stop()
		d.Free()
		b.Start(t)
		await(t, "all rows in the archive", func() bool { return archived() == 1530 })
		j.finish(p)
		b.verified(1530)
	})
}

// noise is text that nobody can write in fewer bytes than half of its own.
func noise(n int) string {
	b := make([]byte, n/2)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// A broker whose disk is full ends. Tidemark waits for it and goes on where it was, with every row in its window once.
func TestFullBroker(t *testing.T) {
	t.Parallel()
	testbed.OnDisk(t, 256, func(t *testing.T, d *testbed.Disk) {
		k := testbed.StartKafkaOn(t, d)
		s := siteOf(t, k.Plain)
		s.section = fmt.Sprintf("{brokers: [%q]}", s.kafka)
		s.trainNumber()
		s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}, drift: [], quality: []}\n")
		p := s.run()
		s.publish(minutes("number", diskStart, 300, 300, 30)...)
		j := s.journal()
		j.untilRows("number", 600)

		d.Fill(0)
		// Nobody knows whether the broker wrote these, so they are of an endpoint that does not count.
		for i := range 3 {
			s.client.TryProduce(t.Context(), &kgo.Record{Topic: "capture", Partition: int32(i), Value: []byte(flat("nobody", diskStart, 1))}, nil)
		}
		await(t, "word of a broker that is not there", func() bool {
			return strings.Contains(p.stderr.String(), "the session with the brokers was lost, starting another")
		})
		k.Stop()
		d.Free()
		k.Start(t)

		s.publish(minutes("number", diskStart.Add(3*time.Minute), 300, 30)...)
		j.untilRows("number", 930)
		j.finish(p)
		if late := s.late("number"); late > 0 {
			t.Errorf("%d rows are late", late)
		}
	})
}

// Before its disk is full the embedded broker stops, with all that it acknowledged, and the process says what to do. With
// room again it goes on where it was.
func TestFullEmbeddedBroker(t *testing.T) {
	t.Parallel()
	testbed.OnDisk(t, 64, func(t *testing.T, d *testbed.Disk) {
		s, p := embeddedOn(t, d)
		s.publish(minutes("number", diskStart, 300, 300, 30)...)
		j := s.journal()
		j.untilRows("number", 600)

		d.Fill(leastRoom - 1<<20)
		for i := range 2 { // started again it ends at once
			if i == 1 {
				p = s.start("run")
			}
			code, said := p.wait(), p.last()
			before, behind := "tidemark: embedded broker: there are ", " MiB left on the disk of "+filepath.Join(d.Dir, "broker")+", and it needs 32: make room there and start again"
			if code != exitFailed || !strings.HasPrefix(said, before) || !strings.HasSuffix(said, behind) {
				t.Errorf("ended with %d and the words %q, want %q and %q", code, said, before, behind)
			}
		}

		d.Free()
		p = s.run()
		s.publish(minutes("number", diskStart.Add(3*time.Minute), 300, 30)...)
		j.untilRows("number", 930)
		p.stop()
	})
}

// A disk that is full at once ends the process at once: the broker would acknowledge what it does not keep.
func TestEmbeddedBrokerCannotWrite(t *testing.T) {
	t.Parallel()
	testbed.OnDisk(t, 64, func(t *testing.T, d *testbed.Disk) {
		s, p := embeddedOn(t, d)
		d.Fill(0)
		for i := range 3 {
			s.client.TryProduce(t.Context(), &kgo.Record{Topic: "capture", Partition: int32(i), Value: bytes.Repeat([]byte("x"), 8192)}, nil)
		}
		code, said := p.wait(), p.last()
		if want := "tidemark: embedded broker: its data in " + filepath.Join(d.Dir, "broker") + " cannot be written"; code != exitFailed || !strings.HasPrefix(said, want) || !strings.HasSuffix(said, noSpace) {
			t.Errorf("ended with %d and the words %q, want %q and %q", code, said, want, noSpace)
		}
	})
}

var diskStart = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// embeddedOn is a running site whose broker has its data on a disk.
func embeddedOn(t *testing.T, d *testbed.Disk) (*site, *process) {
	t.Helper()
	s := embeddedSite(t)
	s.section = fmt.Sprintf("{broker: embedded, brokers: [%q], data: %q}", s.kafka, filepath.Join(d.Dir, "broker"))
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}, drift: [], quality: []}\n")
	return s, s.run()
}

// A command that cannot write its result says so and leaves nothing that could be taken for one.
func TestFullOutput(t *testing.T) {
	t.Parallel()
	testbed.OnDisk(t, 1, func(t *testing.T, d *testbed.Disk) {
		s := newSite(t)
		s.trainNumber()
		d.Fill(0)
		out := filepath.Join(d.Dir, "baseline")
		p := s.start("baseline", "build", "number.csv", "-o", out)
		if code := p.wait(); code != exitFailed || !strings.Contains(p.stderr.String(), noSpace) {
			t.Errorf("baseline build ends with %d: %s", code, p.stderr.String())
		}
		if code := s.start("baseline", "show", out).wait(); code == 0 {
			t.Error("half a baseline is taken for one")
		}
	})
}
