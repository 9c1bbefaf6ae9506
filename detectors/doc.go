// Package detectors measures drift: each statistic is a pure function of two features of one layout, the reference
// (usually a baseline's) and the current one (a window's), and says how far apart they are.
//
// The value of a distance or divergence is an effect size: larger means more drift, and it does not grow with the number
// of rows. That of a test statistic does, and some have a direction; their p-value says what a value means. What is too
// much is the monitor's decision.
//
// There is one file for each statistic, all of one shape: what it computes, its range and its source, then Name, Score
// and Exact. [Compare] gives the shares that the scores are made of, for people to look at.
package detectors
