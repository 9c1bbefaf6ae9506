package profile

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/capture"
)

// appendOld writes a profile that has nothing but bins as versions 4 and 5 did, each integer by itself.
func (p *Profile) appendOld() []byte {
	version := byte(4)
	if p.Joint != nil {
		version = oldWithPairs
	}
	b := []byte{version, 0, 0, byte(len(p.Features))}
	for i := range p.Features {
		f := &p.Features[i]
		b = append(b, make([]byte, 5)...)
		if f.Offsets != nil {
			b = append(b, 0, 0)
		}
		filled, gap := 0, uint64(0)
		var bins []byte
		for bin, n := range f.Bins {
			if n == 0 {
				gap++
				continue
			}
			bins = binary.AppendUvarint(binary.AppendUvarint(bins, gap), uint64(n))
			if f.Offsets != nil {
				bins = binary.AppendUvarint(bins, uint64(f.Offsets[bin]))
			}
			filled, gap = filled+1, 0
		}
		b = append(append(binary.AppendUvarint(b, uint64(filled)), bins...), 0, 0, 0)
	}
	if p.Joint != nil {
		b = p.Joint.append(b, p.Rows)
	}
	return b
}

// drawBins fills bins with counts and offsets at the ends of what fits where.
func drawBins(t *rapid.T, f *Feature) {
	count := rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(14, 17), rapid.Int64Range(0, 1<<40))
	for bin := range f.Bins {
		if rapid.IntRange(0, 3).Draw(t, "empty") > 0 {
			continue
		}
		f.Bins[bin] = count.Draw(t, "count")
		if f.Offsets != nil && f.Bins[bin] > 0 {
			f.Offsets[bin] = rapid.OneOf(rapid.Int64Range(0, MaxOffset*f.Bins[bin]), rapid.Int64Range(1<<16-1, 1<<16), rapid.Int64Range(1<<24-1, 1<<24)).Draw(t, "offset")
		}
	}
}

// Bins are read as they were written, alone and behind those of another profile, and as the plain form has them.
func TestPackedBins(t *testing.T) {
	wide := layout()
	wide.Features[0].Edges, wide.Features[0].Ranks = nil, nil
	for edge := range 60 {
		wide.Features[0].Edges, wide.Features[0].Ranks = append(wide.Features[0].Edges, float64(edge)), append(wide.Features[0].Ranks, 4*edge)
	}
	rapid.Check(t, func(t *rapid.T) {
		p, joined := New(wide), New(wide)
		if rapid.Bool().Draw(t, "pairs") {
			p.CountPairs()
		}
		for i := range p.Features {
			drawBins(t, &p.Features[i])
			drawBins(t, &joined.Features[i])
		}
		encoded := p.Append(nil)
		for _, written := range [][]byte{encoded, p.appendOld()} {
			read, err := Decode(wide, written)
			if err != nil {
				t.Fatal(err)
			}
			if diff := diff(p, read); diff != "" {
				t.Fatalf("version %d (-want +got):\n%s", written[0], diff)
			}
		}
		merged, err := Decode(wide, joined.Append(nil))
		if err == nil {
			err = merged.MergeEncoded(encoded)
		}
		if err != nil {
			t.Fatal(err)
		}
		joined.Merge(p)
		for i := range merged.Features {
			if got, want := &merged.Features[i], &joined.Features[i]; !slices.Equal(got.Bins, want.Bins) || !slices.Equal(got.Offsets, want.Offsets) {
				t.Fatalf("%s merged: bins %v offsets %v, want %v %v", want.Layout.Name, got.Bins, got.Offsets, want.Bins, want.Offsets)
			}
		}
	})
}

// A small bin of a number takes three or four bytes, one of a category one.
func TestPackedBinsAreSmall(t *testing.T) {
	p := New(layout())
	age, plan := p.Feature("age"), p.Feature("plan")
	before := len(p.Append(nil))
	age.Bins[1], age.Offsets[1], age.Bins[2], age.Offsets[2], plan.Bins[0] = 1, MaxOffset, 15, 15*MaxOffset, 15
	if got := len(p.Append(nil)) - before; got != 3+4+1 {
		t.Errorf("bins of 1 and 15 numbers and one of 15 categories take %d bytes, want 8", got)
	}
}

// BenchmarkMergeEncoded merges profiles of 20 numbers over 240 bins, as windows are put together, and writes them.
func BenchmarkMergeEncoded(b *testing.B) {
	wide := &Layout{Features: make([]FeatureLayout, 20)}
	for i := range wide.Features {
		wide.Features[i].Kind = capture.Numeric
		for edge := range Quantiles + 1 {
			wide.Features[i].Edges = append(wide.Features[i].Edges, float64(edge))
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	for _, rows := range []int{10, 100, 1000, 10_000} {
		p := New(wide)
		for i := range p.Features {
			for range rows {
				p.Features[i].AddNumber(random.Float64()*Quantiles, 1)
			}
		}
		encoded, to := p.Append(nil), New(wide)
		b.Run(fmt.Sprintf("merge/rows=%d", rows), func(b *testing.B) {
			for b.Loop() {
				if err := to.MergeEncoded(encoded); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(encoded)), "B")
		})
		b.Run(fmt.Sprintf("append/rows=%d", rows), func(b *testing.B) {
			for b.Loop() {
				encoded = p.Append(encoded[:0])
			}
		})
	}
}
