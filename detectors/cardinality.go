package detectors

import (
	"math"
	"slices"

	"tidemark/profile"
)

// Cardinality is how many different values there are, against how many there should be: 1 - min(a,b)/max(a,b), where
// a and b are the numbers of different values that reference and current show in samples of one size. Half or twice as
// many score 0.5; a column that got stuck on one value nears 1.
//
// More rows show more values, so the larger side is rarefied to the n rows of the smaller: of N rows of which a value
// has k, n rows drawn without replacement hold it with probability 1 - C(N-k, n)/C(N, n), and the sum over all values
// is the number expected.
//
// From profiles, the values of a numeric feature are its filled fine bins, at most 241 or so. Those of a categorical
// feature are its categories, the other ones as one, each new one by its name, and new ones without a name as one.
//
// Range 0 to 1; larger is worse. It is not 0 when nothing changed, but near it once values have several rows each.
// Undefined when either has no present values.
//
// Source: rarefaction, Hurlbert, "The Nonconcept of Species Diversity", Ecology 52 (1971).
type Cardinality struct{}

// Name is "cardinality".
func (Cardinality) Name() string { return "cardinality" }

// Score compares the numbers of filled bins or categories.
func (Cardinality) Score(reference, current *profile.Feature) (Score, bool) {
	return compareRichness(filledCounts(reference), filledCounts(current))
}

// Exact compares the numbers of different values.
func (Cardinality) Exact(reference, current *Sample) (Score, bool) {
	return compareRichness(valueCounts(reference), valueCounts(current))
}

func compareRichness(reference, current []int64) (Score, bool) {
	n := min(sum(reference), sum(current))
	if n <= 0 {
		return Score{}, false
	}
	a, b := richness(reference, n), richness(current, n)
	return Score{Value: max(0, 1-min(a, b)/max(a, b))}, true
}

// richness is the number of different values expected among n of the rows that counts are of.
func richness(counts []int64, n int64) float64 {
	total := sum(counts)
	if n == total {
		return float64(len(counts))
	}
	expected := 0.0
	for _, k := range counts {
		expected += 1 - absent(total, k, n)
	}
	return expected
}

// exactFactors is up to how many factors of a product of nearly equal ones are multiplied one by one.
const exactFactors = 1000

// absent is C(N-k, n)/C(N, n): the probability that none of k rows is among n drawn from N. It is the product over
// i < min(k,n) of 1 - max(k,n)/(N-i); of many factors the middle one stands for all, which is wrong by less than 2e-6.
func absent(total, k, n int64) float64 {
	few, many := min(k, n), float64(max(k, n))
	if float64(few) > float64(total)-many {
		return 0
	}
	if few > exactFactors {
		middle := float64(total) - float64(few-1)/2
		return math.Exp(float64(few) * math.Log1p(-many/middle))
	}
	p := 1.0
	for i := range few {
		p *= 1 - many/float64(total-i)
	}
	return p
}

// filledCounts are the rows of each bin or category that has any.
func filledCounts(f *profile.Feature) []int64 {
	var counts []int64
	add := func(n int64) {
		if n > 0 {
			counts = append(counts, n)
		}
	}
	for _, n := range f.Bins {
		add(n)
	}
	add(f.NewOther)
	for _, n := range f.New {
		add(n)
	}
	slices.Sort(counts) // sums must not depend on the order of a map
	return counts
}

// valueCounts are the rows of each different value.
func valueCounts(s *Sample) []int64 {
	var counts []int64
	for _, n := range s.Categories {
		counts = append(counts, n)
	}
	slices.Sort(counts)
	for i := 0; i < len(s.Numbers); {
		from := i
		for i < len(s.Numbers) && s.Numbers[i] == s.Numbers[from] {
			i++
		}
		counts = append(counts, int64(i-from))
	}
	return counts
}
