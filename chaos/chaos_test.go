// Package chaos runs the program under faults: several processes of it, a real broker and a real object store, each of
// which is killed, stopped, cut off and replaced by a schedule that a seed gives. Records with ids of their own go in,
// and scripts with other clients than Tidemark's own look at what came out: see testdata/check.py.
//
// Its test has one round of faults, in which each kind is there, and with `make chaos` as many as are asked for.
package chaos

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var (
	length = flag.Duration("for", 0, "how long TestChaos inflicts faults")
	least  = flag.Int("rounds", 1, "how many rounds of faults TestChaos has at least")
	seed   = flag.Uint64("seed", 1, "what TestChaos draws the faults and the records by")
	keep   = flag.String("keep", "", "an empty `directory` for what TestChaos leaves behind")
)

// Nothing is lost and nothing is there twice, whatever is killed, stopped or cut off.
func TestChaos(t *testing.T) {
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	}
	c := newCluster(t, dir)
	c.configure(monitors)
	for _, instance := range []string{"p1", "p2", "p3"} {
		c.start(instance)
	}
	sender := c.produce(*seed, 240)
	c.python("collect.py", "reported", c.kafka.Plain) // endpoints and their partitions are known now
	rounds := c.rounds(rand.New(rand.NewPCG(*seed, 0)))
	c.heal()
	v := c.finish(sender)
	fmt.Printf("chaos: seed %d, %d rounds in %v\n", *seed, rounds, time.Since(c.began).Round(time.Second))
	for _, k := range kinds {
		fmt.Printf("  %5d %s\n", c.counts[k.kind], k.kind)
		if want := rounds * k.round; c.counts[k.kind] < want {
			t.Errorf("%d times %s, want %d", c.counts[k.kind], k.kind, want)
		}
	}
	for _, kind := range []string{fencedProcess, unbornProcess} {
		fmt.Printf("  %5d %s\n", c.counts[kind], kind)
	}
	fmt.Printf("  slowest end of a process that was asked to: %.1fs\n", c.slowest.Seconds())
	c.conclude(v)
	proven := c.python("check.py", "prove", c.dir)
	fmt.Printf("planted faults noticed: %d\n", bytes.Count(proven, []byte("\n")))
}

// rounds inflicts faults for as long as asked, whole rounds of them, and returns how many rounds that were.
func (c *cluster) rounds(draw *rand.Rand) (n int) {
	for until := time.Now().Add(*length); n < *least || time.Now().Before(until); n++ {
		for _, kind := range schedule(draw) {
			c.run(time.Now().Add(seconds(draw, 0, 2*pace)))
			c.inflict(kind, rand.New(rand.NewPCG(draw.Uint64(), 0)))
		}
	}
	return n
}

// heal ends all faults, once those that are under way are over.
func (c *cluster) heal() {
	for limit := time.Now().Add(2 * time.Minute); (len(c.waiting) > 0 || c.armed > 0) && time.Now().Before(limit); {
		c.run(time.Now().Add(100 * time.Millisecond))
	}
	c.toKafka.disarm()
	c.toStore.disarm()
	if len(c.running()) == 0 {
		c.t.Fatal("no process is left")
	}
	c.tell("the faults are over; %d processes run", len(c.running()))
}

// end asks all processes to end.
func (c *cluster) end() {
	c.run(time.Now())
	c.fenced()
	for instance, p := range c.processes {
		delete(c.processes, instance)
		c.terminate(p)
	}
	for len(c.waiting) > 0 {
		c.run(time.Now().Add(100 * time.Millisecond))
	}
}

// verdict is what check.py prints.
type verdict struct {
	Figures    map[string]any `json:"figures"`
	Violations []string       `json:"violations"`
}

// finish lets all that was sent come through, ends everything, and checks what came out.
func (c *cluster) finish(sender *producer) (v verdict) {
	c.t.Helper()
	sender.finish()
	c.tell("all records are acknowledged")
	c.tell("%s", c.python("collect.py", "settle", c.kafka.Plain, c.store.URL, c.dir))
	c.end()
	c.python("collect.py", "collect", c.kafka.Plain, c.store.URL, c.dir)
	if err := json.Unmarshal(c.python("check.py", "check", c.dir), &v); err != nil {
		c.t.Fatal(err)
	}
	if len(v.Violations) > 0 && *keep != "" {
		if err := os.CopyFS(filepath.Join(c.dir, "kafka"), os.DirFS(c.kafka.Data)); err != nil {
			c.t.Errorf("keep the broker's logs: %v", err)
		}
	}
	return v
}

// conclude prints the figures, and fails the test if a promise was broken.
func (c *cluster) conclude(v verdict) {
	c.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(v.Figures)) {
		fmt.Printf("  %s: %v\n", name, v.Figures[name])
	}
	for _, violation := range append(c.violations, v.Violations...) {
		c.t.Errorf("violation: %s", violation)
	}
	fmt.Printf("violations: %d\n", len(c.violations)+len(v.Violations))
}
