// Package detectors measures drift: each statistic is a pure function of two features of one layout, the reference
// (usually a baseline's) and the current one (a window's), and says how far apart they are.
//
// A score is an effect size, not a p-value: larger means more drift, and it does not grow with the number of rows.
// What score is too much is the monitor's decision.
//
// There is one file for each statistic, all of one shape: what it computes, its range and its source, then Name and
// Score. [Compare] gives the shares that the scores are made of, for people to look at.
package detectors
