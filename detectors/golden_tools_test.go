package detectors

import (
	"math"
	"slices"
	"sort"
	"testing"
)

// The figures of other tools, from the statistics here over the cells that each tool documents.

// histogram counts sorted numbers between edges as numpy.histogram does: the last edge belongs to the last bin. What is
// outside is counted in one more cell.
func histogram(sorted, edges []float64) []int64 {
	counts := make([]int64, len(edges))
	outside := len(edges) - 1
	for _, x := range sorted {
		i := sort.Search(len(edges), func(i int) bool { return edges[i] > x }) - 1
		switch {
		case x == edges[outside]:
			counts[outside-1]++
		case i < 0 || i >= outside:
			counts[outside]++
		default:
			counts[i]++
		}
	}
	return counts
}

// square is of a distance, whose own digits are lost near 0 in tools that take the root of 1 minus a sum.
func square(x float64) Score { return Score{Value: x * x} }

// TestNannyML: Jensen-Shannon (base 2) and Hellinger distance over bins of equal width of the reference, as many as
// Doane's rule gives; or over the reference's categories; what is outside of all in one cell more. Chi-square and
// L-infinity by category.
func TestNannyML(t *testing.T) {
	var golden goldenFile
	readGolden(t, "testdata/cells.json.gz", &golden)
	numeric, categorical := loadInputs(t)
	for name, in := range numeric {
		want := golden.Numeric[name].NannyML
		over := func(statistic string) cells {
			bins := want[statistic].Bins
			return cells{reference: histogram(in[0].Numbers, bins), current: histogram(in[1].Numbers, bins)}
		}
		js, h := want["jensen_shannon"].Value, want["hellinger"].Value
		check(t, name+"/jensen_shannon", square(JensenShannon{}.over(over("jensen_shannon")).Value), *js**js, nil)
		check(t, name+"/hellinger", square(Hellinger{}.over(over("hellinger")).Value), *h**h, nil)
	}
	for name, in := range categorical {
		want := golden.Categorical[name]
		pooled := cells{reference: make([]int64, len(want.NannyMLBins)+1), current: make([]int64, len(want.NannyMLBins)+1)}
		for category, n := range in[0].Categories {
			pooled.reference[slices.Index(want.NannyMLBins, category)] += n
		}
		for category, n := range in[1].Categories {
			i := slices.Index(want.NannyMLBins, category)
			if i < 0 {
				i = len(want.NannyMLBins)
			}
			pooled.current[i] += n
		}
		js, h := want.NannyML["jensen_shannon"], want.NannyML["hellinger"]
		check(t, name+"/jensen_shannon", square(JensenShannon{}.over(pooled).Value), *js**js, nil)
		check(t, name+"/hellinger", square(Hellinger{}.over(pooled).Value), *h**h, nil)
		chi, _ := ChiSquare{}.Exact(in[0], in[1])
		check(t, name+"/chi2", chi, *want.NannyML["chi2"], want.NannyML["chi2_p"])
		distance, _ := LInfinity{}.Exact(in[0], in[1])
		check(t, name+"/l_infinity", distance, *want.NannyML["l_infinity"], nil)
	}
}

// distinct counts each different value of both samples.
func distinct(reference, current []float64) cells {
	values := slices.Compact(slices.Sorted(slices.Values(slices.Concat(reference, current))))
	c := cells{reference: make([]int64, len(values)), current: make([]int64, len(values))}
	for _, x := range reference {
		c.reference[sort.SearchFloat64s(values, x)]++
	}
	for _, x := range current {
		c.current[sort.SearchFloat64s(values, x)]++
	}
	return c
}

// TestEvidently: PSI, Kullback-Leibler divergence and Jensen-Shannon distance over bins of equal width of both samples
// together, as many as Sturges' rule gives; over each value when the reference has at most 20 different ones; over
// categories. Empty cells have a share of 1e-4 in the first two, the shares are scaled to 1 in the second, and the
// third is to base e. Hellinger distance by category; the p-values of the z test and of Fisher's of two categories.
func TestEvidently(t *testing.T) {
	var golden goldenFile
	readGolden(t, "testdata/cells.json.gz", &golden)
	numeric, categorical := loadInputs(t)
	compare := func(name string, c cells, want map[string]*float64) {
		check(t, name+"/psi", PSI{}.over(c), *want["psi"], nil)
		s := c.sizes()
		total, totalCurrent := 0.0, 0.0
		for i := range c.reference {
			r, q := c.floored(s, i)
			total, totalCurrent = total+r, totalCurrent+q
		}
		scaled := KullbackLeibler{}.over(c).Value/total + math.Log(totalCurrent/total)
		check(t, name+"/kl_div", Score{Value: scaled}, *want["kl_div"], nil)
		js := *want["jensenshannon"]
		check(t, name+"/jensenshannon", square(JensenShannon{}.over(c).Value*math.Sqrt(math.Ln2)), js*js, nil)
	}
	for name, in := range numeric {
		want := golden.Numeric[name]
		c := cells{reference: want.Sturges.Reference, current: want.Sturges.Current}
		if len(slices.Compact(slices.Clone(in[0].Numbers))) <= 20 {
			c = distinct(in[0].Numbers, in[1].Numbers)
		}
		compare(name, c, want.Evidently)
	}
	for name, in := range categorical {
		want := golden.Categorical[name].Evidently
		c, _ := sampleCells(in[0], in[1])
		compare(name, c, want)
		h := *want["hellinger"]
		check(t, name+"/hellinger", square(Hellinger{}.over(c).Value), h*h, nil)
		if name != "binary" && name != "binary_tiny" {
			continue
		}
		z, _ := ProportionZ{}.Exact(in[0], in[1])
		check(t, name+"/z", Score{Tail: z.Tail}, 0, want["z"])
		fisher, _ := Fisher{}.Exact(in[0], in[1])
		check(t, name+"/fisher_exact", Score{Tail: fisher.Tail}, 0, want["fisher_exact_test"])
	}
}

// TestFrouros: over ten bins of equal width of both samples together, PSI (without a floor to speak of, so only where
// no cell is empty on one side), Hellinger distance, its square (called Bhattacharyya distance), and total variation
// (called the histogram intersection's normalized complement).
func TestFrouros(t *testing.T) {
	var golden goldenFile
	readGolden(t, "testdata/cells.json.gz", &golden)
	compared := 0
	for name, want := range golden.Numeric {
		c := cells{reference: want.Width.Reference, current: want.Width.Current}
		oneSided := false
		for i := range c.reference {
			oneSided = oneSided || (c.reference[i] == 0) != (c.current[i] == 0)
		}
		if !oneSided {
			compared++
			check(t, name+"/PSI", PSI{}.over(c), *want.Frouros["PSI"], nil)
		}
		h := *want.Frouros["HellingerDistance"]
		check(t, name+"/HellingerDistance", square(Hellinger{}.over(c).Value), h*h, nil)
		check(t, name+"/BhattacharyyaDistance", square(Hellinger{}.over(c).Value), *want.Frouros["BhattacharyyaDistance"], nil)
		check(t, name+"/HINormalizedComplement", TotalVariation{}.over(c), *want.Frouros["HINormalizedComplement"], nil)
	}
	if compared != 8 {
		t.Errorf("PSI of %d inputs compared", compared)
	}
}
