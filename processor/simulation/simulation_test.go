package simulation

import (
	"flag"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seeds = flag.Uint64("seeds", 100, "how many seeds to simulate")
	first = flag.Uint64("first", 1, "the first of them")
	trace = flag.Bool("trace", false, "print the trace of the first")
)

// The garbage of a seed is small, and there are many seeds.
func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// TestNothingIsLostOrDoubled runs a seed on each processor at a time, and all of them though one fails.
func TestNothingIsLostOrDoubled(t *testing.T) {
	var wait sync.WaitGroup
	played := make([]outcome, *seeds)
	next := atomic.Int64{}
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(*seeds); i = next.Add(1) - 1 {
				s := play(*first+uint64(i), noBug, nil)
				played[i] = outcome{s.rows, s.faults, s.violations}
			}
		})
	}
	wait.Wait()
	faults := map[string]int{}
	rows, least, fewest := 0, math.MaxInt, math.MaxInt
	for i, o := range played {
		seed := *first + uint64(i)
		if len(o.violations) > 0 {
			t.Errorf("seed %d: %d violations, the first of them %s; faults %v; its trace: -first %d -seeds 1 -trace", seed, len(o.violations), o.violations[0], o.faults, seed)
		}
		n := 0
		for kind, times := range o.faults {
			faults[kind] += times
			n += times
		}
		rows += o.rows
		least, fewest = min(least, o.rows), min(fewest, n)
	}
	if least < 2000 || fewest < 20 {
		t.Errorf("a seed has only %d rows, and one only %d faults", least, fewest)
	}
	t.Logf("%d seeds, %d rows (at least %d a seed), at least %d faults a seed: %v", *seeds, rows, least, fewest, faults)
	if *trace {
		var lines []string
		play(*first, noBug, &lines)
		t.Logf("seed %d:\n%s", *first, strings.Join(lines, "\n"))
	}
}

// outcome is what is kept of a seed.
type outcome struct {
	rows       int
	faults     map[string]int
	violations []string
}

// TestSeedReplaysExactly: a seed that fails can be looked at again.
func TestSeedReplaysExactly(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		var one, two []string
		a, b := play(seed, noBug, &one), play(seed, noBug, &two)
		if a.trace.Sum64() != b.trace.Sum64() || !slices.Equal(one, two) {
			for i := range min(len(one), len(two)) {
				if one[i] != two[i] {
					t.Fatalf("seed %d: line %d is %q, then %q", seed, i, one[i], two[i])
				}
			}
			t.Fatalf("seed %d: traces of %d and %d lines", seed, len(one), len(two))
		}
		if c := play(seed+1, noBug, nil); c.trace.Sum64() == a.trace.Sum64() {
			t.Errorf("seeds %d and %d have the same trace", seed, seed+1)
		}
	}
}

// TestPlantedBugsAreFound puts a bug into what the simulation does with a log and a store, and counts the seeds until
// it shows.
func TestPlantedBugsAreFound(t *testing.T) {
	for _, planted := range []bug{commitBeforeProduce, offByOne, adoptionIgnored, idleWithoutProof} {
		t.Run(string(planted), func(t *testing.T) {
			for seed := uint64(1); seed <= 50; seed++ {
				if s := play(seed, planted, nil); len(s.violations) > 0 {
					t.Logf("found by seed %d: %d violations, the first of them: %s", seed, len(s.violations), s.violations[0])
					return
				}
			}
			t.Error("50 seeds did not find it")
		})
	}
}
