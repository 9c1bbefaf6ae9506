package chaos

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// Kinds of faults, as they are counted and printed.
const (
	killProcess = "kill -9 of a process"
	stopProcess = "SIGSTOP longer than the session"
	killBroker  = "kill -9 of the broker"
	killStore   = "kill -9 of the object store"
	changeGroup = "membership changes"
	cut         = "connections cut"
	held        = "connections delayed"
	lost        = "answers lost after the request was carried out"
)

// What a process may come to by these faults.
const (
	fencedProcess = "processes that ended as fenced"
	unbornProcess = "processes that were asked to end before they had begun"
)

// session is after how long without a heartbeat the broker takes a process's partitions from it.
const session = 10 * time.Second

// kinds in the order that they are printed in, and how many of each a round has.
var kinds = []struct {
	kind  string
	round int
}{
	{killProcess, 2}, {stopProcess, 1}, {killBroker, 1}, {killStore, 1}, {changeGroup, 2}, {cut, 5}, {held, 4}, {lost, 4},
}

// pace is the mean of the seconds between two faults.
const pace = 2

// schedule draws the faults of a round in their order.
func schedule(draw *rand.Rand) []string {
	var faults []string
	for _, k := range kinds {
		for range k.round {
			faults = append(faults, k.kind)
		}
	}
	draw.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	return faults
}

func seconds(draw *rand.Rand, from, to float64) time.Duration {
	return time.Duration((from + (to-from)*draw.Float64()) * float64(time.Second))
}

// inflict does a fault, as soon as there is something to do it to.
func (c *cluster) inflict(kind string, draw *rand.Rand) {
	if !c.try(kind, draw) {
		c.later(time.Second, func() { c.inflict(kind, draw) })
	}
}

// try does a fault, and is false when there is nothing now to do it to.
func (c *cluster) try(kind string, draw *rand.Rand) bool {
	switch kind {
	case killProcess:
		return c.killOne(draw)
	case stopProcess:
		return c.stopOne(draw)
	case killBroker:
		return c.killServer(kind, c.kafka, seconds(draw, 0, 6))
	case killStore:
		return c.killServer(kind, c.store, seconds(draw, 0, 12))
	case changeGroup:
		return c.changeOne(draw)
	case cut:
		return c.cutSome(draw)
	case held:
		return c.holdSome(draw)
	}
	return c.loseOne(draw)
}

func (c *cluster) count(kind string) { c.counts[kind]++ }

// killServer kills a server, and starts it again after a while.
func (c *cluster) killServer(kind string, s server, down time.Duration) bool {
	if c.down[kind] {
		return false
	}
	c.down[kind] = true
	for _, p := range c.stopping {
		p.served = p.served && kind != killBroker
	}
	c.count(kind)
	s.Stop()
	c.tell("%s, for %.1fs", kind, down.Seconds())
	c.later(down, func() {
		s.Start(c.t)
		c.down[kind] = false
		c.tell("back from %s", kind)
	})
	return true
}

// server is the broker or the object store.
type server interface {
	Stop()
	Start(testing.TB)
}

// killOne kills a process, and starts it again at once, soon, or after its partitions were given to others.
func (c *cluster) killOne(draw *rand.Rand) bool {
	p := c.one(draw)
	if p == nil {
		return false
	}
	down := []time.Duration{0, seconds(draw, 0, 3), seconds(draw, 11, 13)}[draw.IntN(3)]
	p.doomed = true
	p.signal(syscall.SIGKILL)
	c.count(killProcess)
	c.tell("%s is killed, for %.1fs", p.instance, down.Seconds())
	c.later(down, func() { c.start(p.instance, p.arguments...) })
	return true
}

// stopOne stops a process for longer than its session. Half of them find another process in their place then.
func (c *cluster) stopOne(draw *rand.Rand) bool {
	p := c.one(draw)
	if p == nil {
		return false
	}
	p.signal(syscall.SIGSTOP)
	p.stopped = true
	c.count(stopProcess)
	d := session + seconds(draw, 1, 4)
	replaced := draw.IntN(2) == 0
	c.tell("%s is stopped for %.1fs, replaced: %v", p.instance, d.Seconds(), replaced)
	if replaced {
		p.doomed = true
		c.replaced = append(c.replaced, p)
		c.later(seconds(draw, 0, 2), func() { c.start(p.instance, p.arguments...) })
		c.contested[p.instance] = time.Now().Add(d + 2*patience)
	}
	c.later(d, func() {
		p.signal(syscall.SIGCONT)
		p.stopped = false
		c.tell("%s goes on", p.instance)
	})
	return true
}

// fenced says that processes whose name others took have ended.
func (c *cluster) fenced() {
	for _, p := range c.replaced {
		select {
		case <-p.end:
			if code := p.command.ProcessState.ExitCode(); code != 1 {
				c.violate("%s, replaced while it was stopped, ended with %d: %s", p.instance, code, p.said())
			}
		default:
			c.violate("%s was replaced while it was stopped and still runs: %s", p.instance, p.said())
			p.kill()
		}
	}
}

// roles of processes that are added. The first three have all.
var roles = [][]string{nil, nil, {"--role", "ingest", "--role", "evaluate"}, {"--role", "archive"}, {"--role", "evaluate"}}

// changeOne adds a process, or ends one for good. There are three to five, and always two that have all roles.
func (c *cluster) changeOne(draw *rand.Rand) bool {
	var removable []*process
	complete := 0
	for _, p := range c.processes {
		if p.arguments == nil {
			complete++
		}
	}
	for _, p := range c.running() {
		if contested := time.Now().Before(c.contested[p.instance]); !contested && (p.arguments != nil || complete > 2) {
			removable = append(removable, p)
		}
	}
	switch n := len(c.processes); {
	case n <= 3 || n < 5 && draw.IntN(2) == 0:
		arguments := roles[draw.IntN(len(roles))]
		p := c.start(fmt.Sprintf("p%d", c.counts[changeGroup]+4), arguments...)
		c.tell("%s is added %q", p.instance, arguments)
	case len(removable) == 0:
		return false
	default:
		p := removable[draw.IntN(len(removable))]
		delete(c.processes, p.instance)
		c.terminate(p)
		c.tell("%s is removed", p.instance)
	}
	c.count(changeGroup)
	return true
}

// way draws a proxy, and whose connections there are meant.
func (c *cluster) way(draw *rand.Rand) (through *proxy, who, words string) {
	if draw.IntN(4) == 0 {
		return c.toStore, "", "all to the object store"
	}
	if draw.IntN(4) == 0 {
		return c.toKafka, "", "all to the broker"
	}
	if p := c.one(draw); p != nil {
		return c.toKafka, p.instance, p.instance + " to the broker"
	}
	return c.toKafka, "", "all to the broker"
}

func (c *cluster) cutSome(draw *rand.Rand) bool {
	through, who, words := c.way(draw)
	n := through.cut(who)
	if n == 0 {
		return false
	}
	c.count(cut)
	c.tell("cut %d connections of %s", n, words)
	return true
}

func (c *cluster) holdSome(draw *rand.Rand) bool {
	through, who, words := c.way(draw)
	d := []time.Duration{seconds(draw, 0.1, 1), seconds(draw, 1, 7)}[draw.IntN(2)]
	n := through.hold(who, d)
	if n == 0 {
		return false
	}
	c.count(held)
	c.tell("hold %d connections of %s for %.1fs", n, words, d.Seconds())
	return true
}

// loseOne loses the answer to the next request of a kind.
func (c *cluster) loseOne(draw *rand.Rand) bool {
	through, word := c.toStore, "PUT"
	if draw.IntN(4) > 0 {
		through, word = c.toKafka, []string{"EndTxn", "EndTxn", "TxnOffsetCommit", "Produce", "OffsetCommit"}[draw.IntN(5)]
	}
	through.lose(word, func() { c.hits <- word })
	c.armed++
	return true // and it counts when it has happened
}
