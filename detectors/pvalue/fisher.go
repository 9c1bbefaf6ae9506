package pvalue

import "math"

// FisherExact is the two-sided p-value of a table of two rows (a, b) and (c, d), for the hypothesis that both rows
// have the same shares: the probability, among tables with the same sums, of those that are no more probable than
// this one. Counts are not negative. It takes about the square root of the table's total in steps.
//
// Source: Fisher, Statistical Methods for Research Workers, 5th ed. 1934; two-sided as by Freeman and Halton 1951.
func FisherExact(a, b, c, d int64) float64 {
	t := table{row: float64(a) + float64(b), other: float64(c) + float64(d), column: float64(a) + float64(c)}
	low, high := max(0, t.column-t.other), min(t.column, t.row)
	// Two tables are equally probable when they differ by less than the error of what is computed.
	const tolerance = 1e-11
	x := float64(a)
	limit := t.log(x) + tolerance
	mode := math.Floor((t.column + 1) / (t.row + t.other + 2) * (t.row + 1))
	mode = min(max(mode, low), high)
	if low == high || t.log(mode) <= limit {
		return 1
	}
	left, right := x, x // the ends of the tails
	if x < mode {
		right = first(mode, high+1, func(x float64) bool { return t.log(x) <= limit })
	} else {
		left = first(-mode, -low+1, func(x float64) bool { return t.log(-x) <= limit }) * -1
	}
	p := 0.0
	if left >= low {
		p += t.tail(left, low, -1)
	}
	if right <= high {
		p += t.tail(right, high, 1)
	}
	return min(p, 1)
}

// first is the smallest whole number from low on that holds, where holds is false and then true, and high if none.
func first(low, high float64, holds func(float64) bool) float64 {
	for low < high {
		middle := math.Floor(low + (high-low)/2)
		if holds(middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return high
}

// table is the hypergeometric distribution of the first cell of a table with these sums: of its first row, of the
// other row, and of its first column.
type table struct{ row, other, column float64 }

// log is the logarithm of the probability of x. Its error is about 1e-13 also for counts of billions, as nothing
// large cancels (Loader, "Fast and Accurate Computation of Binomial Probabilities", 2000).
func (t table) log(x float64) float64 {
	all := t.row + t.other
	p, q := t.column/all, (all-t.column)/all
	return logBinomial(x, t.row, p, q) + logBinomial(t.column-x, t.other, p, q) - logBinomial(t.column, all, p, q)
}

// tail is the probability of x and all values beyond it up to end, in steps of 1 or -1.
func (t table) tail(x, end, step float64) float64 {
	total, term := 1.0, 1.0
	for at := x; at != end && term > total*1e-18; at += step {
		if step > 0 {
			term *= (t.row - at) / (at + 1) * ((t.column - at) / (t.other - t.column + at + 1))
		} else {
			term *= at / (t.row - at + 1) * ((t.other - t.column + at) / (t.column - at + 1))
		}
		total += term
	}
	return math.Exp(t.log(x) + math.Log(total))
}

// logBinomial is the logarithm of the probability of x successes in n trials, with probabilities p and q = 1-p.
func logBinomial(x, n, p, q float64) float64 {
	switch {
	case n == 0:
		return 0
	case x == 0:
		return logAll(n, p, q)
	case x == n:
		return logAll(n, q, p)
	}
	return stirlingError(n) - stirlingError(x) - stirlingError(n-x) - deviance(x, n*p) - deviance(n-x, n*q) +
		0.5*math.Log(n/(2*math.Pi*x*(n-x)))
}

// logAll is n ln q.
func logAll(n, p, q float64) float64 {
	switch {
	case p == 0:
		return 0
	case p < 0.1:
		return -deviance(n, n*q) - n*p
	}
	return n * math.Log(q)
}

// deviance is x ln(x/m) + m - x, without loss of digits where x is near m.
func deviance(x, m float64) float64 {
	if math.Abs(x-m) >= 0.1*(x+m) {
		return x*math.Log(x/m) + m - x
	}
	v := (x - m) / (x + m)
	total, power := (x-m)*v, 2*x*v
	for k := 3.0; ; k += 2 {
		power *= v * v
		next := total + power/k
		if next == total {
			return total
		}
		total = next
	}
}
