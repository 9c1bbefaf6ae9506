package pvalue

import "math"

// Normal is the probability that a standard normal variable is at least z.
func Normal(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// NormalTwoSided is the probability that a standard normal variable is at least as far from 0 as z.
func NormalTwoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }
