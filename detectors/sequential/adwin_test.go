package sequential

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The sums are those of the newest values, as many as the window is wide, also after a drift has shortened it; and it
// has no more buckets than it may.
func TestADWINWindow(t *testing.T) {
	drifts := 0
	rapid.Check(t, func(t *rapid.T) {
		p := ADWINParams{
			Delta:           rapid.SampledFrom([]float64{0.002, 0.3, 1}).Draw(t, "delta"),
			Clock:           rapid.IntRange(1, 8).Draw(t, "clock"),
			MaxBuckets:      rapid.IntRange(1, 5).Draw(t, "max_buckets"),
			MinWindowLength: rapid.IntRange(0, 5).Draw(t, "min_window_length"),
			GracePeriod:     rapid.IntRange(0, 10).Draw(t, "grace_period"),
		}
		d, err := NewADWIN(p)
		if err != nil {
			t.Fatal(err)
		}
		var values []float64 // since the detector was new
		shift := rapid.Float64Range(-10, 10).Draw(t, "shift")
		for i, x := range rapid.SliceOfN(rapid.Float64Range(-1, 1), 150, 300).Draw(t, "values") {
			if d.drifted {
				values = nil
			}
			values = append(values, x+float64(i/30%2)*shift)
			if d.Update(values[len(values)-1]) == Drift {
				drifts++
			} else if d.Width() != len(values) {
				t.Fatalf("width %d without a drift, want %d", d.Width(), len(values))
			}
			if w := d.Width(); w < 1 || w > len(values) {
				t.Fatalf("width %d of %d values", w, len(values))
			}
			window := values[len(values)-d.Width():]
			sum, squares := 0.0, 0.0
			for _, x := range window {
				sum += x
			}
			mean := sum / float64(len(window))
			for _, x := range window {
				squares += (x - mean) * (x - mean)
			}
			if math.Abs(d.Mean()-mean) > 1e-9 || math.Abs(d.squares-squares) > 1e-6 {
				t.Fatalf("mean %v and squares %v of %v, want %v and %v", d.Mean(), d.squares, window, mean, squares)
			}
			width := 0
			for i, r := range d.rows {
				if len(r.totals) > p.MaxBuckets {
					t.Fatalf("%d buckets of %v", len(r.totals), bucketSize(i))
				}
				width += len(r.totals) << i
			}
			if width != d.Width() {
				t.Fatalf("buckets of %d values, want %d", width, d.Width())
			}
		}
	})
	if drifts < 30 {
		t.Errorf("only %d drifts in all", drifts)
	}
}
