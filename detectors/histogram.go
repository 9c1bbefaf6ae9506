package detectors

import (
	"math"
	"slices"
	"strconv"

	"tidemark/profile"
)

// maxLabels is the number of categories that a histogram shows by name.
const maxLabels = 12

// Histogram is how the present values of a feature were and are distributed, for alerts and charts. A numeric
// feature has the inner edges between its cells, one fewer than shares; one that is compared by value, and a
// categorical one, has a label for each share instead. The shares of a side without present values are 0.
type Histogram struct {
	Labels    []string  `json:"labels,omitempty"`
	Edges     []float64 `json:"edges,omitempty"`
	Reference []float64 `json:"reference"`
	Current   []float64 `json:"current"`
}

// Compare returns the histogram over the cells that [PSI] uses. By value, cells that are empty on both sides are
// left out. Of categories it shows the twelve with the largest reference shares, equal ones by name, and, if there
// are any, the rest as "other" and all new ones as "new".
func Compare(reference, current *profile.Feature) Histogram {
	r, c := featureCells(reference, current)
	var h Histogram
	switch {
	case !reference.Numeric():
		h.Labels, r, c = topCategories(reference.Layout.Categories, r, c)
	case byValue(reference):
		h.Labels, r, c = filled(valueLabels(reference.Layout.Edges), r, c)
	default:
		for _, cut := range cuts(reference) {
			h.Edges = append(h.Edges, reference.Layout.Edges[cut-1])
		}
	}
	h.Reference, h.Current = shares(r, reference.Present()), shares(c, current.Present())
	return h
}

func shares(counts []int64, total int64) []float64 {
	s := make([]float64, len(counts))
	for i, n := range counts {
		s[i] = share(n, total)
	}
	return s
}

// topCategories orders counts by reference and pools what is beyond maxLabels. r and c have one count for each
// category, then other, then new.
func topCategories(names []string, r, c []int64) (labels []string, top, topCurrent []int64) {
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if r[i] != r[j] {
			return int(max(-1, min(1, r[j]-r[i])))
		}
		return 0 // names are sorted
	})
	other, otherCurrent := r[len(names)], c[len(names)]
	for k, i := range order {
		if k < maxLabels {
			labels, top, topCurrent = append(labels, names[i]), append(top, r[i]), append(topCurrent, c[i])
			continue
		}
		other, otherCurrent = other+r[i], otherCurrent+c[i]
	}
	pooled, r, c := filled([]string{"other", "new"}, []int64{other, r[len(r)-1]}, []int64{otherCurrent, c[len(c)-1]})
	return append(labels, pooled...), append(top, r...), append(topCurrent, c...)
}

// filled leaves out the cells that are empty on both sides.
func filled(labels []string, r, c []int64) (kept []string, keptR, keptC []int64) {
	for i := range labels {
		if r[i] != 0 || c[i] != 0 {
			kept, keptR, keptC = append(kept, labels[i]), append(keptR, r[i]), append(keptC, c[i])
		}
	}
	return kept, keptR, keptC
}

// valueLabels names the fine bins between edges: "3" for the bin of one value, "3 to 5" for one between values.
func valueLabels(edges []float64) []string {
	if len(edges) == 0 {
		return []string{"any"}
	}
	after := func(v float64) float64 { return math.Nextafter(v, math.Inf(1)) }
	text := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	labels := []string{"below " + text(edges[0])}
	atom := edges[0] // the value whose successor edges[i] may be
	for i, from := range edges[:len(edges)-1] {
		to := edges[i+1]
		switch {
		case to == after(from):
			labels = append(labels, text(from))
			atom = from
		case i > 0 && from == after(atom):
			labels = append(labels, text(atom)+" to "+text(to))
		default:
			labels = append(labels, text(from)+" to "+text(to))
		}
	}
	return append(labels, "above "+text(math.Nextafter(edges[len(edges)-1], math.Inf(-1))))
}
