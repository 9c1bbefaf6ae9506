package pvalue

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// limits are values of scipy 1.17.1: kstwo.sf as [d, n, p], kstwobign.sf as [z, p], twice t.sf as [t, df, p], 1 minus
// the limit's cdf in cramervonmises_2samp as [x, p], and the interpolation in anderson_ksamp as [x, p].
type limits struct {
	Kolmogorov      [][3]float64 `json:"kstwo_sf"`
	Limit           [][2]float64 `json:"kstwobign_sf"`
	StudentTwoSided [][3]float64 `json:"t_two_sided"`
	CramerVonMises  [][2]float64 `json:"cramer_von_mises"`
	AndersonDarling [][2]float64 `json:"anderson_darling"`
}

func readLimits(t *testing.T) (l limits) {
	t.Helper()
	f, err := os.Open("testdata/limits.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(&l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLimits(t *testing.T) {
	l := readLimits(t)
	if len(l.Kolmogorov) < 500 || len(l.StudentTwoSided) < 150 || len(l.CramerVonMises) != 100 || len(l.AndersonDarling) != 19 || len(l.Limit) != 14 {
		t.Fatalf("%d, %d, %d, %d and %d values", len(l.Kolmogorov), len(l.StudentTwoSided), len(l.CramerVonMises), len(l.AndersonDarling), len(l.Limit))
	}
	check := func(what string, arguments []float64, got, want, relative, absolute float64) {
		if !(math.Abs(got-want) <= relative*want+absolute) {
			t.Errorf("%s%v = %v, want %v", what, arguments, got, want)
		}
	}
	for _, w := range l.Kolmogorov {
		check("Kolmogorov", w[:2], Kolmogorov(w[1], w[0]), w[2], 1e-6, 0)
	}
	for _, w := range l.Limit {
		// For many values the limit is the distribution itself, but for a term of 1/sqrt(n).
		const n = 1e12
		check("Kolmogorov", w[:1], Kolmogorov(n, w[0]/math.Sqrt(n)), w[1], 1e-4, 0)
	}
	for _, w := range l.StudentTwoSided {
		check("StudentTwoSided", w[:2], StudentTwoSided(w[0], w[1]), w[2], 1e-7, 0)
		check("StudentTwoSided -", w[:2], StudentTwoSided(-w[0], w[1]), w[2], 1e-7, 0)
	}
	for _, w := range l.CramerVonMises {
		// 1 minus a sum near 1, whose Bessel functions scipy has to 1e-15.
		check("CramerVonMises", w[:1], CramerVonMises(w[0]), w[1], 1e-9, 4e-15)
	}
	for _, w := range l.AndersonDarling {
		check("AndersonDarling", w[:1], AndersonDarling(w[0]), w[1], 1e-9, 0)
	}
}

// TestStudentClosedForms checks tails that scipy has no digits for against the closed forms for one, two and four
// degrees of freedom.
func TestStudentClosedForms(t *testing.T) {
	for _, x := range []float64{1e-300, 1e-9, 0.3, 1, 2, 30, 1e6, 1e100} {
		one := 2 / math.Pi * math.Atan2(1, x)
		root := math.Sqrt(2 + x*x)
		two := 2 / (root * (root + x))
		for df, want := range map[float64]float64{1: one, 2: two} {
			if x == 1e100 && df == 2 {
				want = 1e-200
			}
			if got := StudentTwoSided(x, df); math.Abs(got-want) > 1e-12*want {
				t.Errorf("StudentTwoSided(%v, %v) = %v, want %v", x, df, got, want)
			}
		}
	}
}

// TestKolmogorovSmall checks the closed forms for one and two values.
func TestKolmogorovSmall(t *testing.T) {
	for d := 0.0; d <= 1; d += 1. / 64 {
		one := min(1, 2*(1-d))
		two := 1.0
		switch {
		case d >= 0.5:
			two = 2 * (1 - d) * (1 - d)
		case d >= 0.25:
			two = 1 - 2*(2*d-0.5)*(2*d-0.5)
		}
		if got := Kolmogorov(1, d); math.Abs(got-one) > 1e-14 {
			t.Errorf("Kolmogorov(1, %v) = %v, want %v", d, got, one)
		}
		if got := Kolmogorov(2, d); math.Abs(got-two) > 1e-14 {
			t.Errorf("Kolmogorov(2, %v) = %v, want %v", d, got, two)
		}
	}
}

// TestLimitsFall checks that each probability is one, and falls, also where one formula takes over from another.
func TestLimitsFall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := math.Floor(math.Pow(10, rapid.Float64Range(0, 12).Draw(t, "log10 n")))
		x := math.Pow(10, rapid.Float64Range(-3, 3).Draw(t, "log10 x"))
		more := x * (1 + math.Pow(10, rapid.Float64Range(-9, 1).Draw(t, "log10 more")))
		for name, p := range map[string]struct {
			f         func(float64) float64
			tolerance float64 // relative to the probability
			absolute  float64
		}{
			"Kolmogorov":      {func(x float64) float64 { return Kolmogorov(n, x/math.Sqrt(n)) }, 1e-5, 0},
			"StudentTwoSided": {func(x float64) float64 { return StudentTwoSided(x, n) }, 1e-7, 0},
			"CramerVonMises":  {CramerVonMises, 0, 1e-6},
			"AndersonDarling": {AndersonDarling, 0.02, 0},
		} {
			a, b := p.f(x), p.f(more)
			if !(0 <= b && b <= a*(1+p.tolerance)+p.absolute && a <= 1) {
				t.Fatalf("%s with n %v: %v at %v and %v at %v", name, n, a, x, b, more)
			}
		}
	})
}

func BenchmarkKolmogorov(b *testing.B) {
	for _, test := range []struct {
		name string
		n, z float64
	}{{"matrix", 100, 0.9}, {"expansion", 10_000, 0.9}, {"tail", 10_000, 3}} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				Kolmogorov(test.n, test.z/math.Sqrt(test.n))
			}
		})
	}
}
