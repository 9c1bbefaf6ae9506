package pvalue

import "gonum.org/v1/gonum/mathext"

// ClopperPearson is the interval for a share of which k of n were seen that covers it with at least the given
// confidence, as 0.95, whatever it is. Of n = 0 it is all from 0 to 1.
//
// Source: Clopper and Pearson, "The Use of Confidence or Fiducial Limits ...", Biometrika 26 (1934).
func ClopperPearson(k, n int64, confidence float64) (lower, upper float64) {
	alpha := (1 - confidence) / 2
	lower, upper = 0, 1
	if k > 0 {
		lower = mathext.InvRegIncBeta(float64(k), float64(n-k+1), alpha)
	}
	if k < n {
		upper = mathext.InvRegIncBeta(float64(k+1), float64(n-k), 1-alpha)
	}
	return lower, upper
}
