package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tidemark/testbed"
)

// process is a `tidemark run`.
type process struct {
	instance  string
	arguments []string
	command   *exec.Cmd
	log       string
	stopped   bool // by SIGSTOP
	doomed    bool // it was killed, asked to end, or another has its name: that it ends is no surprise
	asked     time.Time
	served    bool      // the broker has been up since it was asked
	ended     time.Time // known once end is closed
	end       chan struct{}
}

// start starts a process of an instance.
func (c *cluster) start(instance string, arguments ...string) *process {
	c.t.Helper()
	file, err := os.CreateTemp(c.dir, instance+"-*.log")
	if err != nil {
		c.t.Fatal(err)
	}
	defer file.Close()
	p := &process{instance: instance, arguments: arguments, log: file.Name(), end: make(chan struct{})}
	p.command = exec.Command(c.tides, append([]string{"run", "--instance", instance}, arguments...)...)
	p.command.Dir, p.command.Env, p.command.Stderr, p.command.SysProcAttr = c.dir, c.env, file, testbed.EndWithParent()
	if err := p.command.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.processes[instance] = p
	go func() {
		_ = p.command.Wait() // its exit code says it
		p.ended = time.Now()
		close(p.end)
		c.ended <- p
	}()
	c.t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.end
}

func (p *process) signal(s syscall.Signal) bool { return p.command.Process.Signal(s) == nil }

// over takes in that a process ended. One that nobody ended is started again, as a supervisor would. Whoever joined a
// group last has the name: that may be a process that was stopped while it joined and goes on, or, after a broker was
// killed that had not noted yet that a process took over a name, nobody at all. Any other end is a violation.
func (c *cluster) over(p *process) {
	code := p.command.ProcessState.ExitCode()
	if p.doomed {
		if !p.asked.IsZero() {
			c.stopped(p)
		}
		return
	}
	if p.fenced() {
		c.count(fencedProcess)
		c.tell("%s ended as fenced", p.instance)
	} else {
		c.violate("%s ended by itself with %d: %s", p.instance, code, p.said())
	}
	if c.processes[p.instance] == p {
		c.start(p.instance, p.arguments...)
	}
}

// stopped takes in that a process ended that was asked to. It does so with 0, in the time that is promised. One that was
// asked before its first line of code ran, which sets the signal's handler, has said nothing and ends by the signal.
func (c *cluster) stopped(p *process) {
	took, code := p.ended.Sub(p.asked), p.command.ProcessState.ExitCode()
	c.tell("%s ended with %d after %.1fs", p.instance, code, took.Seconds())
	unborn := p.command.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM && p.wrote() == ""
	switch {
	case unborn:
		c.count(unbornProcess)
	case p.fenced():
		c.count(fencedProcess)
	case code != 0:
		c.violate("%s was asked to end and ended with %d: %s", p.instance, code, p.said())
	case took > promised && p.served || took > patience:
		c.violate("%s was asked to end and took %v", p.instance, took)
	}
	c.slowest = max(c.slowest, took)
	c.waiting = slices.DeleteFunc(c.waiting, func(e event) bool { return e.of == p })
}

const (
	promised = 10 * time.Second // that a process takes at most to end when asked to
	patience = 20 * time.Second // the same when it needs a broker that is down
)

// fenced says whether a process ended since another has its name.
func (p *process) fenced() bool {
	return p.command.ProcessState.ExitCode() == 1 && strings.Contains(p.said(), "fenced: another process runs as instance")
}

// wrote is a process's log.
func (p *process) wrote() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// said is the last line of it.
func (p *process) said() string {
	text := p.wrote()
	return fmt.Sprintf("%s (%s)", text[strings.LastIndex(text, "\n")+1:], filepath.Base(p.log))
}

// running are the processes that run and are not stopped, in the order of their names.
func (c *cluster) running() []*process {
	var running []*process
	for _, p := range c.processes {
		if !p.stopped && !p.doomed {
			running = append(running, p)
		}
	}
	slices.SortFunc(running, func(a, b *process) int { return strings.Compare(a.instance, b.instance) })
	return running
}

// one draws one of the running processes.
func (c *cluster) one(draw *rand.Rand) *process {
	running := c.running()
	if len(running) == 0 {
		return nil
	}
	return running[draw.IntN(len(running))]
}

// terminate asks a process to end.
func (c *cluster) terminate(p *process) {
	p.doomed, p.asked, p.served = true, time.Now(), !c.down[killBroker]
	c.stopping = append(c.stopping, p)
	p.signal(syscall.SIGTERM)
	c.waiting = append(c.waiting, event{at: p.asked.Add(2 * patience), of: p, do: func() {
		select {
		case <-p.end: // in this moment
			return
		default:
		}
		c.violate("%s was asked to end and has not", p.instance)
		p.asked = time.Time{}
		p.kill()
	}})
}
