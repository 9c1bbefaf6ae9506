package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"tidemark/capture"
)

// Quantiles is the number of quantile bins a baseline starts from. It is divisible by 10, 12, 16, 20, 24 and 30,
// so that coarse views are unions of neighbouring fine bins.
const Quantiles = 240

// MaxNew is the number of new categories a profile keeps by name; the rest is counted without a name.
const MaxNew = 50

// Layout is how a profile counts: the bin edges and categories of each watched column. Profiles of one layout
// merge and compare; those of two layouts do not.
type Layout struct {
	Features []FeatureLayout `json:"features"`
	id       string
	pairs    []Pair

	projections []Projection
}

// FeatureLayout is how one watched column is counted.
type FeatureLayout struct {
	Name       string       `json:"name"`
	Prediction bool         `json:"prediction,omitempty"`
	Kind       capture.Kind `json:"kind"`

	// Edges, rising, cut a numeric column: bin k holds the values that k edges are not greater than. The first
	// edge is the baseline's smallest value and the last the successor of its largest, so bin 0 is underflow
	// and the last bin overflow.
	Edges []float64 `json:"edges,omitempty"`
	// Ranks has for each edge the highest of the Quantiles' ranks that fell on it (equal quantiles are merged).
	Ranks []int `json:"ranks,omitempty"`
	// Center is the baseline's mean; moments are kept around it.
	Center float64 `json:"center,omitempty"`

	// Categories, sorted, have a bin each.
	Categories []string `json:"categories,omitempty"`
	// Rare, sorted, are the baseline's other categories: counted together as "other".
	Rare []string `json:"rare,omitempty"`
	// Open says that the baseline had more categories than Rare keeps, so an unknown one counts as other, not as new.
	Open bool `json:"open,omitempty"`
	// Half is the places of categories that together hold about half of the baseline's values: see [Joint].
	Half []int `json:"half,omitempty"`
}

// ID is the layout's content hash: 16 hexadecimal digits.
func (l *Layout) ID() string {
	if l.id == "" {
		content, err := json.Marshal(l)
		if err != nil {
			panic(err) // only finite edges pass Validate
		}
		sum := sha256.Sum256(content)
		l.id = hex.EncodeToString(sum[:8])
	}
	return l.id
}

// Validate reports the first feature that could not be counted.
func (l *Layout) Validate() error {
	for _, f := range l.Features {
		if f.Kind == capture.Categorical {
			if !slices.IsSorted(f.Categories) || !slices.IsSorted(f.Rare) {
				return fmt.Errorf("feature %q: categories must be sorted", f.Name)
			}
			for _, place := range f.Half {
				if place < 0 || place >= len(f.Categories) {
					return fmt.Errorf("feature %q: half has category %d of %d", f.Name, place, len(f.Categories))
				}
			}
			continue
		}
		if len(f.Edges) != len(f.Ranks) {
			return fmt.Errorf("feature %q: %d edges but %d ranks", f.Name, len(f.Edges), len(f.Ranks))
		}
		for i := 1; i < len(f.Edges); i++ {
			if !(f.Edges[i-1] < f.Edges[i]) {
				return fmt.Errorf("feature %q: edges must rise, but edge %d is %v after %v", f.Name, i, f.Edges[i], f.Edges[i-1])
			}
		}
	}
	return nil
}

// Bins is the number of bins of the feature: for numbers, one more than edges; for categories, one each and "other".
func (f *FeatureLayout) Bins() int {
	if f.Kind == capture.Categorical {
		return len(f.Categories) + 1
	}
	return len(f.Edges) + 1
}

// bin is the number of edges that are not greater than x, which is not NaN. It halves the edges in question by
// arithmetic, since a processor cannot predict branches on x.
func (f *FeatureLayout) bin(x float64) int {
	edges := f.Edges
	x += 0                   // -0 becomes 0, from which any 0 is +0 away
	from, n := 0, len(edges) // the answer is from+0 to from+n
	for n > 0 {
		half := (n + 1) / 2
		greater := math.Float64bits(x-edges[from+half-1]) >> 63 // 1 when the edge is greater, else 0
		from += half & (int(greater) - 1)
		n -= half
	}
	return from
}

// NumberBin is the bin of a number, which is not NaN.
func (f *FeatureLayout) NumberBin(x float64) int { return f.bin(x) }

// CategoryBin is the bin of a category, or false when the baseline never saw it.
func (f *FeatureLayout) CategoryBin(value string) (int, bool) { return f.category(value) }

// category is the bin of a category, or false when the baseline never saw it.
func (f *FeatureLayout) category(value string) (int, bool) {
	if i, ok := slices.BinarySearch(f.Categories, value); ok {
		return i, true
	}
	if f.Open {
		return len(f.Categories), true
	}
	_, rare := slices.BinarySearch(f.Rare, value)
	return len(f.Categories), rare
}

// Cells groups the feature's fine bins into n cells of about equal baseline share: it returns the first fine
// bin of each cell but the first. A numeric feature's cuts are the baseline's n-quantiles, equal ones merged;
// n must divide [Quantiles].
func (f *FeatureLayout) Cells(n int) []int {
	if len(f.Ranks) == 0 {
		return nil
	}
	cuts := make([]int, 0, n-1)
	step := Quantiles / n
	next := step // the first multiple of step above the ranks of earlier edges
	for i := 0; next < Quantiles; i++ {
		further, _ := slices.BinarySearch(f.Ranks[i:], next)
		if i += further; i == len(f.Ranks) {
			break
		}
		cuts = append(cuts, i+1)
		next = (f.Ranks[i]/step + 1) * step
	}
	return cuts
}
