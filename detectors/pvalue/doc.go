// Package pvalue has the distributions behind the statistics' p-values, the corrections for many of them, and intervals
// for shares.
//
// A tail probability is computed as a tail, not as 1 minus the rest, so that it has its digits however small it is,
// down to the smallest float; below that it is 0. Arguments are finite; no function returns NaN for those that its
// comment allows.
package pvalue
