//go:build soak

package chaos

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 30*time.Minute, "how long TestSoak runs")

const (
	warmUp    = 5 * time.Minute // of a run of half an hour; a sixth of another
	growth    = 0.10            // of the resident memory after the warm-up
	soakRate  = 400             // records a second
	sampling  = 5 * time.Second
	soakOfAll = 12 // samples that a figure is the median of: a minute
)

// The memory of a process under steady traffic does not grow.
func TestSoak(t *testing.T) {
	c := newCluster(t, t.TempDir())
	c.configure(monitors)
	p := c.start("p1")
	sender := c.produce(1, soakRate)
	var sizes []float64 // in MiB
	for until := time.Now().Add(*soak); time.Now().Before(until); {
		c.run(time.Now().Add(sampling))
		sizes = append(sizes, p.resident(t))
		if n := len(sizes); n%soakOfAll == 0 {
			c.tell("resident: %.1f MiB", median(sizes[n-soakOfAll:]))
		}
	}
	warm := int(min(warmUp, *soak/6) / sampling)
	if len(sizes) < warm+2*soakOfAll {
		t.Fatalf("%v is too short: -soak must be three minutes or more", *soak)
	}
	first, last := median(sizes[warm:warm+soakOfAll]), median(sizes[len(sizes)-soakOfAll:])
	v := c.finish(sender)
	fmt.Printf("soak: %v at %d records a second, after a warm-up of %v\n", *soak, soakRate, time.Duration(warm)*sampling)
	fmt.Printf("  first resident memory: %.1f MiB\n  last resident memory: %.1f MiB (%+.1f%%)\n", first, last, 100*(last/first-1))
	if last > (1+growth)*first {
		t.Errorf("the resident memory grew from %.1f to %.1f MiB: at most %.0f%% is allowed", first, last, 100*growth)
	}
	c.conclude(v)
}

// resident is the resident memory of a process, in MiB, as Linux says in /proc.
func (p *process) resident(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.command.Process.Pid))
	if err != nil {
		t.Fatalf("the memory of %s: %v", p.instance, err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20)
}

func median(sizes []float64) float64 {
	sorted := slices.Sorted(slices.Values(sizes))
	return sorted[len(sorted)/2]
}
