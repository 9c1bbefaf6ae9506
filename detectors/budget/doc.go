// Package budget watches one feature pane by pane and weighs the evidence that its distribution is further from the
// baseline's than a tolerance, the least effect, so that alarms can be kept to a budget: at most one false alarm in any
// A panes is expected, however often one looks.
//
// The tolerance is the share of records that may have moved, total variation. Against "no further than that" stand bets
// (alternatives.go): that the values are higher, lower, wider or narrower, that one range or category has more or less of
// them, that more are missing or of a new category, and one that learns. A bet pays a likelihood ratio, clipped (clip.go) so that
// its mean is at most 1 whatever lies within the tolerance, and divided by an allowance for the baseline's own error.
// Its wealth is M = (1 + M) × the product over the records of a pane: a Shiryaev-Roberts statistic. The feature's is the weighted
// sum over its bets, and at A divided by the feature's share of the budget it alarms.
//
// Sources: Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", 2024; Huber,
// "A robust version of the probability ratio test", 1965; Roberts, "A comparison of some control chart procedures", 1966.
//
// A [Cells] says how a feature's records are cut for the bets, a [Table] has the bets against one reference, and a [State]
// their wealth. All are mathematics over counts: time, names and units are the caller's.
package budget
