package simulation

import (
	"flag"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

var (
	seeds = flag.Uint64("seeds", 100, "how many seeds to simulate")
	first = flag.Uint64("first", 1, "the first of them")
)

// The garbage of a seed is small, and there are many seeds.
func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

func TestNothingIsLostOrDoubled(t *testing.T) {
	faults := map[string]int{}
	rows, least := 0, 1<<30
	for seed := *first; seed < *first+*seeds; seed++ {
		s := play(seed, noBug, nil)
		rows += s.rows
		least = min(least, s.rows)
		for kind, n := range s.faults {
			faults[kind] += n
		}
		if len(s.violations) > 0 {
			var lines []string
			play(seed, noBug, &lines)
			t.Fatalf("seed %d: %d violations, the first of them %s\n\nfaults %v; its trace (again with -first %d -seeds 1):\n%s",
				seed, len(s.violations), s.violations[0], s.faults, seed, strings.Join(lines[max(0, len(lines)-900):], "\n"))
		}
		if s.rows < 2000 {
			t.Errorf("seed %d has only %d rows", seed, s.rows)
		}
	}
	t.Logf("%d seeds, %d rows (at least %d a seed); faults: %v", *seeds, rows, least, faults)
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
