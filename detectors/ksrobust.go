package detectors

import (
	"math"

	"tidemark/profile"
)

// KSRobust is the Kolmogorov-Smirnov distance less what samples of these sizes may show without any change:
// max(0, D - 1.8 sqrt((n+m)/(n m))) for n present values in reference and m in current, where 1.8 is the critical value of
// the two-sample test at about 0.3 %. It is far from sensitive in small windows: 0.18 are taken off at 100 rows.
//
// Range 0 to 1; larger is more drift. Symmetric in reference and current. Undefined as [KS] is. It decides nothing by
// default: constraints with comparison_method Robust are checked with it.
//
// Source: the distance of KLL profiles in Deequ 2.0.2, which SageMaker Model Monitor calls linf_robust.
type KSRobust struct{}

// Name is "ks_robust".
func (KSRobust) Name() string { return "ks_robust" }

// Score is [KS.Score] with the correction.
func (KSRobust) Score(reference, current *profile.Feature) (Score, bool) {
	score, defined := KS{}.Score(reference, current)
	return lessen(score, reference.Present(), current.Present()), defined
}

// Exact is [KS.Exact] with the correction.
func (KSRobust) Exact(reference, current *Sample) (Score, bool) {
	score, defined := KS{}.Exact(reference, current)
	return lessen(score, reference.Present(), current.Present()), defined
}

func lessen(distance Score, rows, rowsCurrent int64) Score {
	n, m := float64(rows), float64(rowsCurrent)
	return Score{Value: max(0, distance.Value-1.8*math.Sqrt((n+m)/(n*m)))}
}
