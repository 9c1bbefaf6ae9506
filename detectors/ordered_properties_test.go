package detectors_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"tidemark/capture"
	"tidemark/detectors"
	"tidemark/profile"
)

// ranked are those that only the order of values matters to.
var ranked = []string{"ks", "cramer_von_mises", "anderson_darling", "mann_whitney"}

// drawPair draws small samples with ties, atoms and, if told so, values as large as floats can be and infinite ones.
func drawPair(t *rapid.T, extreme bool) pair {
	value := rapid.OneOf(
		rapid.Map(rapid.IntRange(-4, 4), func(i int) float64 { return float64(i) }),
		rapid.Map(rapid.IntRange(-999, 999), func(i int) float64 { return float64(i) }),
		rapid.Just(0.0),
	)
	if extreme {
		value = rapid.OneOf(value, value, rapid.Float64Range(-9, 9), rapid.SampledFrom([]float64{
			1e-300, 1e200, -1e200, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1),
		}))
	}
	one := rapid.Custom(func(t *rapid.T) *detectors.Sample {
		most := rapid.SampledFrom([]int{1, 3, 12, 60}).Draw(t, "most")
		return sampleOf(rapid.SliceOfN(value, 1, most).Draw(t, "values")...)
	})
	return pair{one.Draw(t, "reference"), one.Draw(t, "current")}
}

// drawLayout draws wide and narrow bins over the values of a pair.
func drawLayout(t *rapid.T, in pair) *profile.Layout {
	var edges []float64
	edge := rapid.SampledFrom(slices.Concat(in.reference.Numbers, in.current.Numbers))
	for _, e := range rapid.SliceOfN(edge, 0, 8).Draw(t, "edges") {
		if math.IsInf(e, 0) {
			continue
		}
		edges = append(edges, e)
		if after := math.Nextafter(e, math.Inf(1)); !math.IsInf(after, 0) && rapid.Bool().Draw(t, "alone") {
			edges = append(edges, after)
		}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	center := in.reference.Numbers[len(in.reference.Numbers)/2] // near the mean, as a baseline's is
	if math.Abs(center) > 1e100 {
		center = 0
	}
	return &profile.Layout{Features: []profile.FeatureLayout{{
		Name: "x", Kind: capture.Numeric, Edges: edges, Ranks: make([]int, len(edges)), Center: center,
	}}}
}

// count counts values in a layout.
func count(t rapid.TB, layout *profile.Layout, values []float64) *profile.Profile {
	t.Helper()
	batch := capture.NewBatch(capture.Schema{Columns: []capture.Column{{Name: "x", Role: capture.Feature, Kind: capture.Numeric}}})
	rows := make([]int32, len(values))
	for i, x := range values {
		rows[i] = int32(i)
		if err := batch.AppendCells(0, capture.Input, [][]byte{strconv.AppendFloat(nil, x, 'g', -1, 64)}); err != nil {
			t.Fatal(err)
		}
	}
	p := profile.New(layout)
	p.Observe(batch, rows)
	return p
}

// TestOrderedBinned checks over any bins that the bounds hold the exact value and that all figures are finite.
func TestOrderedBinned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawPair(t, rapid.Bool().Draw(t, "extreme"))
		layout := drawLayout(t, in)
		r, c := count(t, layout, in.reference.Numbers), count(t, layout, in.current.Numbers)
		for _, name := range ordered {
			exact, want := detectors.New(name).Exact(in.reference, in.current)
			score, defined := detectors.New(name).Score(&r.Features[0], &c.Features[0])
			if defined && want {
				checkBounds(t, name, score, exact)
			}
			// Without edges nothing is known of distances, nor whether a bin is of one value; sums overflow apart.
			if defined != want && slices.Contains(ranked, name) && name != "anderson_darling" {
				t.Fatalf("%s: defined is %v, exactly %v", name, defined, want)
			}
		}
	})
}

// TestOrderedCounts checks that all figures are finite for counts as large as they can be.
func TestOrderedCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawPair(t, rapid.Bool().Draw(t, "extreme"))
		layout := drawLayout(t, in)
		r, c := count(t, layout, in.reference.Numbers), count(t, layout, in.current.Numbers)
		for range rapid.IntRange(0, 38).Draw(t, "doubled") {
			r.Merge(r)
		}
		for range rapid.IntRange(0, 38).Draw(t, "doubled") {
			c.Merge(c)
		}
		for _, name := range ordered {
			if score, defined := detectors.New(name).Score(&r.Features[0], &c.Features[0]); defined {
				checkBounds(t, name, score, detectors.Score{Value: score.Value})
			}
		}
	})
}

// TestOrderedPanes checks that it does not matter how rows are parted into panes and in which order these are merged.
func TestOrderedPanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawPair(t, false)
		layout := drawLayout(t, in)
		r, whole := count(t, layout, in.reference.Numbers), count(t, layout, in.current.Numbers)
		merged := profile.New(layout)
		rest := rapid.Permutation(in.current.Numbers).Draw(t, "rows")
		for len(rest) > 0 {
			n := rapid.IntRange(1, len(rest)).Draw(t, "pane")
			merged.Merge(count(t, layout, rest[:n]))
			rest = rest[n:]
		}
		for _, name := range ordered {
			want, defined := detectors.New(name).Score(&r.Features[0], &whole.Features[0])
			got, also := detectors.New(name).Score(&r.Features[0], &merged.Features[0])
			relative := 1e-12
			if slices.Contains(ranked, name) {
				relative = 0
			}
			if defined != also || !nearly(&got.Value, &want.Value, relative, 0) || !nearly(got.Lower, want.Lower, relative, 0) || !nearly(got.Upper, want.Upper, relative, 0) {
				t.Fatalf("%s: %v, %v in one pane, %v, %v in several", name, want, defined, got, also)
			}
		}
	})
}

func mapped(s *detectors.Sample, f func(float64) float64) *detectors.Sample {
	var values []float64
	for _, x := range s.Numbers {
		values = append(values, f(x))
	}
	return sampleOf(values...)
}

// TestOrderedInvariance checks what the statistics do not change with, or how.
func TestOrderedInvariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawPair(t, false)
		n, m := float64(len(in.reference.Numbers)), float64(len(in.current.Numbers))
		shift, scale := float64(rapid.IntRange(-99, 99).Draw(t, "shift")), math.Exp2(float64(rapid.IntRange(-8, 8).Draw(t, "log2 scale")))
		for _, name := range ordered {
			exact := func(r, c *detectors.Sample) detectors.Score {
				score, _ := detectors.New(name).Exact(r, c)
				return score
			}
			want := exact(in.reference, in.current)
			back := exact(in.current, in.reference).Value
			switch name {
			case "wasserstein_normalized": // is of the reference's unit
				back = want.Value
			case "mann_whitney":
				back = n*m - back
			case "welch_t":
				back = -back
			}
			if !nearly(&back, &want.Value, 1e-12, 1e-12) {
				t.Fatalf("%s: %v, %v with the sides exchanged", name, want.Value, back)
			}
			if slices.Contains(ranked, name) {
				rising := func(x float64) float64 { return x*x*x + 2*x - 7 }
				if got := exact(mapped(in.reference, rising), mapped(in.current, rising)); got.Value != want.Value || !nearly(got.PValue(), want.PValue(), 0, 0) {
					t.Fatalf("%s: %v, %v after a rising function", name, want.Value, got.Value)
				}
				continue
			}
			move := func(x float64) float64 { return x*scale + shift }
			got := exact(mapped(in.reference, move), mapped(in.current, move))
			factor := map[string]float64{"wasserstein": scale, "energy": math.Sqrt(scale)}[name]
			if factor == 0 {
				factor = 1
			}
			if !nearly(&got.Value, new(factor*want.Value), 1e-9, 1e-12) || want.Expected != nil && !nearly(got.Expected, new(factor**want.Expected), 1e-9, 1e-12) {
				t.Fatalf("%s: %v, %v after moving by %v and stretching by %v", name, want.Value, got.Value, shift, scale)
			}
			mirror := func(x float64) float64 { return -x }
			want.Value = math.Abs(want.Value)
			if got := math.Abs(exact(mapped(in.reference, mirror), mapped(in.current, mirror)).Value); !nearly(&got, &want.Value, 1e-12, 1e-12) {
				t.Fatalf("%s: %v, %v mirrored", name, want.Value, got)
			}
		}
	})
}

// plain are the statistics straight from their definitions, over all pairs of values.
var plain = map[string]func(r, c []float64) float64{
	"ks": func(r, c []float64) float64 {
		most := 0.0
		for _, x := range slices.Concat(r, c) {
			most = max(most, math.Abs(upTo(r, x)-upTo(c, x)))
		}
		return most
	},
	"wasserstein": func(r, c []float64) float64 { // rows are split so that both sides have as many
		total := 0.0
		for i := range len(r) * len(c) {
			total += math.Abs(r[i/len(c)] - c[i/len(r)])
		}
		return total / float64(len(r)*len(c))
	},
	"energy": func(r, c []float64) float64 {
		distance := func(a, b []float64) float64 {
			total := 0.0
			for _, x := range a {
				for _, y := range b {
					total += math.Abs(x - y)
				}
			}
			return total / float64(len(a)*len(b))
		}
		return math.Sqrt(max(0, 2*distance(r, c)-distance(r, r)-distance(c, c)))
	},
	"mann_whitney": func(r, c []float64) float64 {
		u := 0.0
		for _, x := range r {
			for _, y := range c {
				switch {
				case x > y:
					u++
				case x == y:
					u += 0.5
				}
			}
		}
		return u
	},
	"cramer_von_mises": func(r, c []float64) float64 {
		n, m := float64(len(r)), float64(len(c))
		pooled := slices.Concat(r, c)
		u := 0.0
		for i, x := range r {
			u += n * math.Pow(midRank(pooled, x)-float64(i+1), 2)
		}
		for j, y := range c {
			u += m * math.Pow(midRank(pooled, y)-float64(j+1), 2)
		}
		return u/(n*m*(n+m)) - (4*n*m-1)/(6*(n+m))
	},
	"anderson_darling": func(r, c []float64) float64 {
		pooled := slices.Concat(r, c)
		slices.Sort(pooled)
		rows := float64(len(pooled))
		inner := 0.0
		for _, sample := range [][]float64{r, c} {
			n, total := float64(len(sample)), 0.0
			for _, z := range slices.Compact(slices.Clone(pooled)) {
				equal := rows * (upTo(pooled, z) - below(pooled, z))
				b := rows * (upTo(pooled, z) + below(pooled, z)) / 2
				mid := n * (upTo(sample, z) + below(sample, z)) / 2
				d := rows*mid - b*n
				total += equal / rows * d * d / (b*(rows-b) - rows*equal/4)
			}
			inner += total / n
		}
		a := (rows - 1) / rows * inner
		h, g, inverse := 0.0, 0.0, 1/float64(len(r))+1/float64(len(c))
		for i := 1.0; i < rows; i++ {
			h += 1 / i
			for j := i + 1; j < rows; j++ {
				g += 1 / ((rows - i) * j)
			}
		}
		const k = 2
		va := (4*g-6)*(k-1) + (10-6*g)*inverse
		vb := (2*g-4)*k*k + 8*h*k + (2*g-14*h-4)*inverse - 8*h + 4*g - 6
		vc := (6*h+2*g-2)*k*k + (4*h-4*g+6)*k + (2*h-6)*inverse + 4*h
		vd := (2*h+6)*k*k - 4*h*k
		variance := (va*rows*rows*rows + vb*rows*rows + vc*rows + vd) / ((rows - 1) * (rows - 2) * (rows - 3))
		return (a - (k - 1)) / math.Sqrt(variance)
	},
	"welch_t": func(r, c []float64) float64 {
		mean := func(v []float64) (mean, variance float64) {
			for _, x := range v {
				mean += x / float64(len(v))
			}
			for _, x := range v {
				variance += (x - mean) * (x - mean) / float64(len(v)-1)
			}
			return mean, variance / float64(len(v))
		}
		a, va := mean(r)
		b, vb := mean(c)
		return (b - a) / math.Sqrt(va+vb)
	},
}

// upTo is the share of values that are at most x, and below that of those below it.
func upTo(values []float64, x float64) float64 {
	n := 0
	for _, v := range values {
		if v <= x {
			n++
		}
	}
	return float64(n) / float64(len(values))
}

func below(values []float64, x float64) float64 {
	n := 0
	for _, v := range values {
		if v < x {
			n++
		}
	}
	return float64(n) / float64(len(values))
}

// midRank is the mean rank, from 1, of the values equal to x.
func midRank(values []float64, x float64) float64 {
	return float64(len(values))*(upTo(values, x)+below(values, x))/2 + 0.5
}

func TestOrderedPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawPair(t, false)
		for name, f := range plain {
			score, defined := detectors.New(name).Exact(in.reference, in.current)
			if !defined {
				continue
			}
			// The plain energy distance is the root of a difference.
			tolerance := map[string]float64{"energy": 1e-4, "cramer_von_mises": 1e-8}[name]
			if got := f(in.reference.Numbers, in.current.Numbers); !nearly(&score.Value, &got, 1e-8, max(tolerance, 1e-9)) {
				t.Fatalf("%s: %v, plainly %v", name, score.Value, got)
			}
		}
	})
}
