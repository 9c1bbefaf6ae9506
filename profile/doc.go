// Package profile is the mergeable summary of an endpoint's watched columns over some rows: counts over fixed bin
// edges and categories, moments, and what could not be counted (missing, of the wrong type, NaN).
//
// The baseline, a pane and a window are the same type, so a detector is a function of two of them: the reference
// and the current. Merging adds whole numbers: counts come out the same to the bit in any order and grouping.
// The edges and categories are the [Layout]: made once, with the baseline, never from the current data.
package profile
