package processor

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/profile"
	"tidemark/windows"
)

// counted is a pane's rows.
type counted struct {
	profile *profile.Profile
	ranges  map[windows.Source][2]int64
}

// counts is the profile without the sums, which depend on what is added up first.
func (c *counted) counts(t *testing.T) []byte {
	t.Helper()
	p, err := profile.Decode(c.profile.Layout, c.profile.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Features {
		f := &p.Features[i]
		f.Under, f.Over, f.Moments.Sum, f.Moments.Squares = profile.Sum{}, profile.Sum{}, profile.Sum{}, profile.Sum{}
	}
	return p.Append(nil)
}

// near says whether the sums are the same but for rounding.
func near(a, b *counted) bool {
	f, g := &a.profile.Features[0], &b.profile.Features[0]
	same := true
	for _, pair := range [][2]profile.Sum{{f.Under, g.Under}, {f.Over, g.Over}, {f.Moments.Sum, g.Moments.Sum}, {f.Moments.Squares, g.Moments.Squares}} {
		same = same && math.Abs(pair[0].Value()-pair[1].Value()) <= 1e-9*max(1, math.Abs(pair[0].Value()))
	}
	return same
}

// TestRowsWaitTogether: what is counted of an endpoint does not depend on those whose rows wait in the same columns, nor on when
// rows are counted. Some rows have unknown keys or values of the wrong type, which are known by the row.
func TestRowsWaitTogether(t *testing.T) {
	const endpoints, rows = 40, 8_000
	m := watch(t, "*", 20*time.Second)
	random := rand.New(rand.NewPCG(3, 1))
	records := make([]*kgo.Record, rows)
	for i := range records {
		x, extra := fmt.Sprint(random.IntN(9)-4), ""
		switch random.IntN(8) {
		case 0:
			x = `"red"`
		case 1:
			extra = `,"odd":1`
		}
		at := noon.Add(time.Duration(random.IntN(90)) * time.Second)
		value := fmt.Sprintf(`{"time":%d,"features":{"x":%s,"kind":"k%d"%s}}`, at.UnixMilli(), x, random.IntN(3), extra)
		records[i] = &kgo.Record{Topic: "capture", Partition: int32(random.IntN(3)), Offset: int64(i), Timestamp: at, Value: []byte(value),
			Headers: []kgo.RecordHeader{{Key: headerEndpoint, Value: fmt.Appendf(nil, "endpoint-%02d", random.IntN(endpoints))}}}
	}
	add := func(f *fold, r *kgo.Record) {
		if dead := f.add(r, windows.At(noon.Add(time.Hour))); dead != nil {
			t.Fatal(dead)
		}
	}
	panes := func(f *fold) map[string]*counted {
		all := map[string]*counted{}
		for _, d := range f.deltas() {
			for _, p := range d.Panes {
				key := fmt.Sprint(d.Endpoint, p.Start)
				c := all[key]
				if c == nil {
					c = &counted{profile.New(m.Layout()), map[windows.Source][2]int64{}}
					all[key] = c
				}
				if err := c.profile.MergeEncoded(p.Profile); err != nil {
					t.Fatal(err)
				}
				for _, r := range p.Ranges {
					bounds, known := c.ranges[r.Source]
					if !known {
						bounds = [2]int64{r.Start, r.End}
					}
					c.ranges[r.Source] = [2]int64{min(bounds[0], r.Start), max(bounds[1], r.End)}
				}
			}
		}
		return all
	}

	want, progress := map[string]*counted{}, map[string][]windows.Progress{}
	for i := range endpoints {
		f := testFold(m)
		for _, r := range records {
			if string(r.Headers[0].Value) == fmt.Sprintf("endpoint-%02d", i) {
				add(f, r)
			}
		}
		for key, c := range panes(f) {
			want[key] = c
		}
		for _, d := range f.deltas() {
			progress[d.Endpoint] = d.Sources
		}
	}
	for _, every := range []int{0, 50, 700, 6000} {
		f := testFold(m)
		for i, r := range records {
			add(f, r)
			if every > 0 && i%every == 0 {
				f.foldRows([]int{0, someRows}[i/every%2])
			}
		}
		got := panes(f)
		for key, w := range want {
			if g := got[key]; g == nil || !maps.Equal(w.ranges, g.ranges) || !bytes.Equal(w.counts(t), g.counts(t)) || !near(w, g) {
				t.Fatalf("counted after each %d rows, %s has\n%+v\nwant\n%+v", every, key, g, w)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("counted after each %d rows: %d panes, want %d", every, len(got), len(want))
		}
		for _, d := range f.deltas() {
			if diff := cmp.Diff(progress[d.Endpoint], d.Sources); diff != "" {
				t.Errorf("progress of %s after each %d rows:\n%s", d.Endpoint, every, diff)
			}
		}
	}
	extra, invalid := int64(0), int64(0)
	for _, c := range want {
		extra, invalid = extra+c.profile.Extra, invalid+c.profile.Features[0].Invalid
	}
	if len(want) != endpoints*5 || extra < rows/10 || invalid < rows/10 {
		t.Errorf("%d panes with %d unknown keys and %d values of the wrong type", len(want), extra, invalid)
	}
}

// TestProfilesOverTheLimit: what is open is encoded when it takes too much memory, also while rows of open panes are being counted.
func TestProfilesOverTheLimit(t *testing.T) {
	m := watch(t, "churn", time.Second)
	f := testFold(m)
	f.countingOf(m.Layout()).bytes = maxOpenBytes / 10
	const panes, rows = 25, 12_000
	for i := range rows {
		if dead := f.add(flat(noon.Add(time.Duration(i%panes)*time.Second), float64(i%7), ""), windows.At(noon.Add(time.Hour))); dead != nil {
			t.Fatal(dead)
		}
		if f.opened > maxOpenBytes || len(f.open) > 10 {
			t.Fatalf("%d bytes in %d profiles are open", f.opened, len(f.open))
		}
	}
	counted := map[windows.Time]int64{}
	for _, d := range f.deltas() {
		for _, p := range d.Panes {
			decoded, err := profile.Decode(m.Layout(), p.Profile)
			if err != nil || decoded.Rows != p.Rows {
				t.Fatal(decoded, err)
			}
			counted[p.Start] += p.Rows
		}
	}
	for i := range panes {
		if n := counted[windows.At(noon.Add(time.Duration(i)*time.Second))]; n != rows/panes {
			t.Errorf("pane %d has %d rows, want %d", i, n, rows/panes)
		}
	}
	if f.opened != 0 || len(f.open) != 0 {
		t.Errorf("%d bytes in %d profiles are open after a commit", f.opened, len(f.open))
	}
}
