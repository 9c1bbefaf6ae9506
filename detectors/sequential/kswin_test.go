package sequential

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// Each of the older values is drawn as often as any other, and none twice in a test.
func TestKSWINDraws(t *testing.T) {
	d, err := NewKSWIN(KSWINParams{Alpha: 0, WindowSize: 10, StatSize: 3, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	const tests = 70_000
	drawn := map[float64]int{} // by age
	for i := range tests + 9 {
		if d.Update(float64(i)) != OK {
			t.Fatal("drift with alpha 0")
		}
		if i < 9 {
			continue
		}
		if len(slices.Compact(slices.Clone(d.older))) != 3 {
			t.Fatalf("drew %v: one twice", d.older)
		}
		for _, x := range d.older {
			drawn[float64(i)-x]++
		}
		if want := []float64{float64(i - 2), float64(i - 1), float64(i)}; !slices.Equal(d.newer, want) {
			t.Fatalf("the newest are %v, want %v", d.newer, want)
		}
	}
	for age := 3.0; age < 10; age++ { // 30,000 each; 5 standard deviations are 655
		if n := drawn[age]; math.Abs(float64(n)-tests*3/7) > 655 {
			t.Errorf("drew the value %v back %d times of %d", age, n, tests)
		}
	}
	if len(drawn) != 7 {
		t.Errorf("drew values of ages %v", drawn)
	}
}

// The smallest distance that is drift, by scipy 1.17.1's p-values: at 30 values, 13/30 has 0.0065 and 14/30 0.0025.
func TestKSWINLeast(t *testing.T) {
	for _, test := range []struct {
		alpha        float64
		window, stat int
		want         int
	}{
		{0.005, 100, 30, 14},
		{1, 100, 30, 4},  // the distance must be over 0.1
		{0, 100, 30, 31}, // never
		{1, 100, 5, 1},
		{0.001, 8, 4, 5}, // 4 and 4 values never have a p-value under .0285
	} {
		if got := leastSteps(KSWINParams{Alpha: test.alpha, WindowSize: test.window, StatSize: test.stat}); got != test.want {
			t.Errorf("alpha %g, stat_size %d: %d, want %d", test.alpha, test.stat, got, test.want)
		}
	}
}

// Published by the generator's author as the first numbers from seed 1234567.
func TestRandom(t *testing.T) {
	r := random(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := r.next(); got != want {
			t.Errorf("number %d is %d, want %d", i, got, want)
		}
	}
}

// Another seed draws other values; the same seed the same ones.
func TestKSWINSeed(t *testing.T) {
	drifts := func(seed int) string {
		p := DefaultKSWIN()
		p.Seed = seed
		d, err := NewKSWIN(p)
		if err != nil {
			t.Fatal(err)
		}
		var at []int
		for i := range 20_000 {
			if d.Update(math.Mod(float64(i)*0.6180339887, 1)*float64(1+i/100%2)) == Drift {
				at = append(at, i)
			}
		}
		return fmt.Sprint(at)
	}
	if one := drifts(1); one != drifts(1) || one == drifts(2) || one == "[]" {
		t.Errorf("seed 1 gives %s, again %s; seed 2 %s", one, drifts(1), drifts(2))
	}
}
