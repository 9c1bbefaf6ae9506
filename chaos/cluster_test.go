package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tidemark/testbed"
)

// cluster is all that a run has: a broker, an object store, proxies before both, processes of Tidemark and a producer.
type cluster struct {
	t       *testing.T
	dir     string
	tides   string // the program
	scripts string // a Python
	kafka   *testbed.Kafka
	store   *testbed.SeaweedFS
	toKafka *proxy
	toStore *proxy
	env     []string
	began   time.Time

	processes  map[string]*process // by instance: those that should be running
	ended      chan *process
	down       map[string]bool      // servers, by the fault that they suffer
	armed      int                  // answers that are to be lost
	hits       chan string          // and that were: the request
	contested  map[string]time.Time // instances of which one was stopped and goes on beside another, and how long they may
	replaced   []*process           // those that were stopped
	stopping   []*process           // that were asked to end
	slowest    time.Duration        // that one of them took
	waiting    []event
	violations []string
	counts     map[string]int
}

// event is what is to be done at a time.
type event struct {
	at time.Time
	do func()
	of *process // it is not done any more when this has ended
}

// settings is tidemark.yaml, which may be written as JSON. The script that checks reads it too.
func (c *cluster) settings(monitors []map[string]any) map[string]any {
	return map[string]any{
		"kafka":    map[string]any{"brokers": []string{c.toKafka.address()}},
		"http":     map[string]any{"listen": "127.0.0.1:0"},
		"topics":   map[string]any{"partitions": 6},
		"monitors": monitors,
		"archive": map[string]any{
			"url": "s3://captures/prod", "endpoint": "http://" + c.toStore.address(), "path_style": true, "every": "2s",
		},
	}
}

// lateness of replayed traffic is the lease of a partition that was called idle, by whose end it may have held records
// for as long, with what producers and brokers add.
const lateness = "8s"

// monitors are of two endpoints that are replayed and one that is live.
var monitors = []map[string]any{
	{
		"name": "east", "baseline": "baseline", "allowed_lateness": lateness,
		"windows": []map[string]any{{"size": "5s"}, {"size": "10s", "slide": "5s"}},
		"drift":   []map[string]any{{"method": "psi", "threshold": 0.2, "min_samples": 50}, {"method": "l_infinity", "threshold": 0.1, "min_samples": 50}},
	},
	{
		"name": "west", "baseline": "baseline", "allowed_lateness": lateness,
		"windows":    []map[string]any{{"size": "10s"}},
		"sequential": []map[string]any{{"detector": "page_hinkley", "feature": "x", "params": map[string]any{"min_instances": "1", "threshold": "10"}}},
	},
	// A broker that is down holds its records up for longer than any replay's.
	{"name": "live", "baseline": "baseline", "allowed_lateness": "2m", "windows": []map[string]any{{"size": "5s"}}},
}

// newCluster starts the servers, builds the program and prepares what it needs.
func newCluster(t *testing.T, dir string) *cluster {
	t.Helper()
	c := &cluster{
		t: t, dir: dir, processes: map[string]*process{}, ended: make(chan *process, 1000),
		down: map[string]bool{}, contested: map[string]time.Time{}, hits: make(chan string, 1000), counts: map[string]int{}, began: time.Now(),
		tides: filepath.Join(t.TempDir(), "tidemark"), scripts: filepath.Join(testbed.Python(t, packages...), "python"),
	}
	c.execute("go", "build", "-o", c.tides, "tidemark/cmd/tidemark")
	c.toKafka, c.toStore = listen(t, kafka), listen(t, objects)
	c.kafka = testbed.StartKafkaBehind(t, c.toKafka.address())
	c.toKafka.pass(c.kafka.Proxied)
	c.store = testbed.StartSeaweedFS(t)
	c.toStore.pass(c.store.URL[len("http://"):])
	c.env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+c.store.AccessKey, "AWS_SECRET_ACCESS_KEY="+c.store.SecretKey)
	c.python("collect.py", "bucket", c.store.URL)
	c.python("produce.py", "train", "training.csv")
	c.execute(c.tides, "baseline", "build", "training.csv", "--prediction", "score", "-o", "baseline")
	return c
}

// packages are those of the scripts.
var packages = []string{"boto3==1.44.8", "confluent-kafka==2.16.1", "duckdb==2.0.1", "pyarrow==26.0.1"}

func (c *cluster) configure(monitors []map[string]any) {
	c.t.Helper()
	text, err := json.MarshalIndent(c.settings(monitors), "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, "tidemark.yaml"), text, 0o644)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.execute(c.tides, "topics", "create")
}

// execute runs a program that must succeed and returns what it prints.
func (c *cluster) execute(program string, arguments ...string) []byte {
	c.t.Helper()
	command := exec.CommandContext(c.t.Context(), program, arguments...)
	command.Dir, command.Env = c.dir, c.env
	if program == "go" {
		command.Dir = "" // in the module
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		c.t.Fatalf("%s %q: %v\n%s%s", filepath.Base(program), arguments, err, out, stderr.Bytes())
	}
	return out
}

// python runs a script of testdata that must succeed.
func (c *cluster) python(script string, arguments ...string) []byte {
	c.t.Helper()
	return c.execute(c.scripts, append([]string{scriptPath(c.t, script)}, arguments...)...)
}

func scriptPath(t *testing.T, name string) string {
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// producer is the program that makes up captures.
type producer struct {
	c       *cluster
	command *exec.Cmd
	stop    io.Closer
	stderr  bytes.Buffer
}

// produce begins to produce so many records a second, directly to the broker.
func (c *cluster) produce(seed uint64, rate int) *producer {
	c.t.Helper()
	p := &producer{c: c, command: exec.Command(c.scripts, scriptPath(c.t, "produce.py"), c.kafka.Plain, fmt.Sprint(seed), c.dir, fmt.Sprint(rate))}
	p.command.Stderr, p.command.SysProcAttr = &p.stderr, testbed.EndWithParent()
	var err error
	if p.stop, err = p.command.StdinPipe(); err == nil {
		err = p.command.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = p.command.Process.Kill() }) // it may have ended
	return p
}

// finish lets the producer end its replay and waits until all was acknowledged.
func (p *producer) finish() {
	p.c.t.Helper()
	p.stop.Close()
	if err := p.command.Wait(); err != nil {
		p.c.t.Fatalf("produce: %v\n%s", err, &p.stderr)
	}
}

// tell writes a line of the run's story.
func (c *cluster) tell(format string, arguments ...any) {
	c.t.Logf("%6.1fs  %s", time.Since(c.began).Seconds(), fmt.Sprintf(format, arguments...))
}

// violate notes that a promise was broken.
func (c *cluster) violate(format string, arguments ...any) {
	c.violations = append(c.violations, fmt.Sprintf(format, arguments...))
	c.tell("VIOLATION: %s", fmt.Sprintf(format, arguments...))
}

// later does something after a while.
func (c *cluster) later(d time.Duration, do func()) {
	c.waiting = append(c.waiting, event{at: time.Now().Add(d), do: do})
}

// run does what is due until a moment, and looks after the processes.
func (c *cluster) run(until time.Time) {
	for {
		next, first := until, -1
		for i, e := range c.waiting {
			if e.at.Before(next) {
				next, first = e.at, i
			}
		}
		select {
		case p := <-c.ended:
			c.over(p)
		case request := <-c.hits:
			c.armed--
			c.count(lost)
			c.tell("the answer to %s is lost", request)
		case <-time.After(time.Until(next)):
			if first < 0 {
				return
			}
			do := c.waiting[first].do
			c.waiting = append(c.waiting[:first:first], c.waiting[first+1:]...)
			do()
		}
	}
}
