package detectors

import (
	"math"
	"slices"
)

// NDCG is the normalized discounted cumulative gain of a ranking of features: how much of the reference's attributions
// the current ranking finds early. With the features in falling order of their current attributions it is the sum of
// reference attribution/log2(place+1), places from 1 on, over the same sum in falling order of the reference
// attributions. Features of equal current attribution share the mean of their places' weights, so that the order
// in which they are given does not matter.
//
// An attribution is the size of a feature's effect on the prediction, as the mean of absolute Shapley values; index i
// is the same feature in both. Range above 0 to 1; 1 is the same order, and less is more drift. A customary limit is 0.9.
// Undefined (false) when the lengths differ, an attribution is below 0 or not finite, or all of the reference are 0.
//
// Source: Järvelin and Kekäläinen, "Cumulated Gain-Based Evaluation of IR Techniques", ACM TOIS 20 (2002), as used by
// SageMaker Clarify for feature attribution drift; ties by McSherry and Najork 2008, as in scikit-learn's ndcg_score.
func NDCG(reference, current []float64) (float64, bool) {
	if len(reference) != len(current) || !attributions(reference) || !attributions(current) {
		return 0, false
	}
	largest := 0.0
	for _, a := range reference {
		largest = max(largest, a)
	}
	if largest == 0 {
		return 0, false
	}
	order := make([]int, len(current))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return falling(current[i], current[j]) })
	gain := 0.0
	for from := 0; from < len(order); {
		to := from
		found, weight := 0.0, 0.0
		for ; to < len(order) && current[order[to]] == current[order[from]]; to++ {
			found += reference[order[to]] / largest
			weight += discount(to)
		}
		gain += found * weight / float64(to-from)
		from = to
	}
	best := 0.0
	for place, a := range slices.SortedFunc(slices.Values(reference), falling) {
		best += a / largest * discount(place)
	}
	return min(gain/best, 1), true
}

// attributions says whether all are finite and not below 0.
func attributions(values []float64) bool {
	return !slices.ContainsFunc(values, func(a float64) bool { return !(a >= 0 && a <= math.MaxFloat64) })
}

// falling orders larger values first.
func falling(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// discount is the weight of a place, counted from 0.
func discount(place int) float64 { return 1 / math.Log2(float64(place)+2) }
