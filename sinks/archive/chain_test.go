package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/store"
)

var partition = ID{Cluster: "c", Topic: "t", TopicID: "i", Partition: 3}

// faulty is a store that fails as the test says: before it does what it is asked, or after.
type faulty struct {
	store.Memory
	fail func() (before, after bool)
}

var errLost = errors.New("the answer is lost")

func (f *faulty) around(do func() error) error {
	before, after := f.fail()
	if before {
		return errLost
	}
	if err := do(); err != nil || !after {
		return err
	}
	return errLost
}

func (f *faulty) Put(ctx context.Context, key string, content []byte, metadata map[string]string) error {
	return f.around(func() error { return f.Memory.Put(ctx, key, content, metadata) })
}

func (f *faulty) Head(ctx context.Context, key string) (o store.Object, err error) {
	err = f.around(func() error { o, err = f.Memory.Head(ctx, key); return err })
	return o, err
}

func (f *faulty) Get(ctx context.Context, key string) (content []byte, o store.Object, err error) {
	err = f.around(func() error { content, o, err = f.Memory.Get(ctx, key); return err })
	return content, o, err
}

func (f *faulty) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	if before, _ := f.fail(); before {
		return func(yield func(store.Object, error) bool) { yield(store.Object{}, errLost) }
	}
	return f.Memory.List(ctx, prefix, after)
}

// writer is one process that works on the chain, a step at a time.
type writer struct {
	chain  *Chain
	action Action
	at     int64 // read up to here, while it reads
}

// scene is a log, a store and some writers, of whom none knows of the others.
type scene struct {
	t       *rapid.T
	store   *faulty
	archive *Archive
	log     Bounds
	hints   []Hint // all that was ever committed
	writers []*writer
	named   int
	trace   []string
}

func (s *scene) start(i int) {
	s.named++
	w := &writer{chain: NewChain(partition, fmt.Sprint("w", s.named))}
	hint := Hint{}
	if len(s.hints) > 0 && rapid.Bool().Draw(s.t, "hint") { // any of the past: a group may be set back
		hint = rapid.SampledFrom(s.hints).Draw(s.t, "which")
		if rapid.IntRange(0, 4).Draw(s.t, "wrong") == 0 {
			hint.Start++
		}
	}
	w.action = w.chain.Open(hint)
	s.writers[i] = w
}

func (s *scene) step(i int) {
	w := s.writers[i]
	s.trace = append(s.trace, fmt.Sprintf("%s: %+v", w.chain.writer, w.action))
	switch w.action.Do {
	case Stop:
		s.t.Fatalf("%s stops: %v", w.chain.writer, w.action.Err)
	case AskLog:
		w.action = w.chain.Step(Event{Log: s.log})
		w.at = -1
	case Read:
		if w.at < w.action.Start || w.at < 0 {
			w.at = w.action.Start
		}
		if w.at < s.log.Start { // retention was faster
			if w.at > w.action.Start {
				w.action = w.chain.Cut(w.at, 0, 1)
			} else {
				w.action = w.chain.Place()
			}
			return
		}
		w.at = rapid.Int64Range(w.at, s.log.End).Draw(s.t, "read")
		if w.at > w.action.Start && rapid.Bool().Draw(s.t, "cut") {
			w.action = w.chain.Cut(w.at, 0, 1)
		}
	default:
		e, err := s.archive.Perform(context.Background(), partition, w.action, []byte("x"))
		if err != nil {
			if !errors.Is(err, errLost) {
				s.t.Fatal(err)
			}
			return // the same again
		}
		w.action = w.chain.Step(e)
		if last, ok := w.chain.Last(); ok && w.action.Do == Read {
			s.hints = append(s.hints, last.Hint())
			w.at = -1
		}
	}
}

// verify fails when the objects are not one chain from the head's first START on.
func (s *scene) verify() []Info {
	content, _, err := s.store.Memory.Get(context.Background(), partition.headKey())
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	head, err := parseHead(content)
	if err != nil {
		s.t.Fatal(err)
	}
	var chain []Info
	end := head.First
	for o, err := range s.store.Memory.List(context.Background(), partition.folder(1), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		o, err := s.store.Memory.Head(context.Background(), o.Key)
		if err != nil {
			s.t.Fatal(err)
		}
		i, err := parseInfo(o.Metadata)
		if err != nil {
			s.t.Fatal(err)
		}
		if i.key() != o.Key || i.Start != end || i.End <= i.Start || i.End > s.log.End {
			s.t.Fatalf("the object %+v is at %s, behind END %d, in a log of %+v", i, o.Key, end, s.log)
		}
		end = i.End
		chain = append(chain, i)
	}
	return chain
}

// Any number of writers, with hints old and wrong, restarted at any time, on a store that fails before or after it did
// what it was asked, while the log grows and loses its beginning: their objects are one chain, without gap or
// overlap, and when the faults end it reaches the end of the log.
func TestChainOfManyWriters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &scene{t: t, writers: make([]*writer, rapid.IntRange(1, 4).Draw(t, "writers"))}
		s.log.Start = rapid.Int64Range(0, 3).Draw(t, "first")
		s.log.End = s.log.Start
		faults := rapid.IntRange(0, 5).Draw(t, "faults in ten")
		s.store = &faulty{fail: func() (bool, bool) {
			if rapid.IntRange(0, 9).Draw(t, "fault") >= faults {
				return false, false
			}
			before := rapid.Bool().Draw(t, "before")
			return before, !before
		}}
		s.archive = New(s.store, DefaultConfig())
		for i := range s.writers {
			s.start(i)
		}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			i := rapid.IntRange(0, len(s.writers)-1).Draw(t, "writer")
			switch rapid.IntRange(0, 19).Draw(t, "event") {
			case 0:
				s.start(i)
			case 1, 2:
				s.log.End += rapid.Int64Range(1, 10).Draw(t, "grow")
			case 3:
				s.log.Start = rapid.Int64Range(s.log.Start, s.log.End).Draw(t, "retain")
			default:
				s.step(i)
			}
		}
		s.verify()
		s.store.fail = func() (bool, bool) { return false, false }
		s.log.End++
		for range 100 { // a last writer, undisturbed
			w := s.writers[0]
			if w.action.Do == Read {
				if w.action.Start == s.log.End {
					break
				}
				if w.action.Start >= s.log.Start {
					w.action = w.chain.Cut(s.log.End, 0, 1)
					continue
				}
			}
			s.step(0)
		}
		chain := s.verify()
		if len(chain) == 0 || chain[len(chain)-1].End != s.log.End {
			t.Fatalf("the chain does not reach %d: %+v\n%s", s.log.End, chain, strings.Join(s.trace, "\n"))
		}
	})
}

// run carries a chain's actions out until it reads or stops.
func run(t *testing.T, a *Archive, c *Chain, action Action, log Bounds) (Action, []Do) {
	t.Helper()
	var done []Do
	for action.Do != Read && action.Do != Stop {
		done = append(done, action.Do)
		e := Event{Log: log}
		if action.Do != AskLog {
			var err error
			if e, err = a.Perform(t.Context(), partition, action, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		action = c.Step(e)
	}
	return action, done
}

func TestChain(t *testing.T) {
	a := New(&store.Memory{}, DefaultConfig())
	log := Bounds{5, 100}
	one, two := NewChain(partition, "one"), NewChain(partition, "two")

	action, done := run(t, a, one, one.Open(Hint{}), log)
	if diff := cmp.Diff([]Do{ReadHead, AskLog, WriteHead, ReadHead, List, AskLog}, done); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Action{Do: Read, Start: 5, Epoch: -1}, action); diff != "" {
		t.Error(diff)
	}
	log.Start = 7 // the second writer comes later, and finds where the chain begins
	action, _ = run(t, a, two, two.Open(Hint{}), Bounds{5, 100})
	if action.Start != 5 {
		t.Errorf("the second writer begins at %d", action.Start)
	}

	// Both put [5, …): the second adopts the first's END and drops what it read.
	action, done = run(t, a, one, one.Cut(20, 12, 3), log)
	if !slices.Equal(done, []Do{Put}) || action.Start != 20 {
		t.Errorf("the first put goes %v, then %+v", done, action)
	}
	action, done = run(t, a, two, two.Cut(30, 20, 3), log)
	if diff := cmp.Diff([]Do{Put, Look, List, AskLog}, done); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Action{Do: Read, Start: 20, Epoch: 3}, action); diff != "" {
		t.Error(diff)
	}

	// A put whose answer was lost is put again, and known by its nonce.
	put := one.Cut(40, 20, 4)
	if _, err := a.Perform(t.Context(), partition, put, []byte("x")); err != nil {
		t.Fatal(err)
	}
	action, done = run(t, a, one, put, log)
	if !slices.Equal(done, []Do{Put, Look}) || action.Do != Read || action.Start != 40 {
		t.Errorf("a repeated put goes %v, then %+v", done, action)
	}

	// A right hint spares the list from the start; one that does not fit is not followed.
	last, ok := one.Last()
	hint := last.Hint()
	if !ok || hint != (Hint{1, 20, 40}) || ParseHint(40, hint.String()) != hint {
		t.Errorf("the hint is %+v, %q", hint, hint)
	}
	for _, c := range []struct {
		hint Hint
		want []Do
	}{
		{hint, []Do{ReadHead, Look, List, AskLog}},
		{Hint{1, 5, 20}, []Do{ReadHead, Look, List, Look, List, AskLog}},
		{Hint{1, 6, 20}, []Do{ReadHead, Look, List, Look, List, AskLog}},
		{Hint{2, 20, 40}, []Do{ReadHead, List, Look, List, AskLog}},
		{ParseHint(40, "nonsense"), []Do{ReadHead, List, Look, List, AskLog}},
	} {
		three := NewChain(partition, "three")
		action, done := run(t, a, three, three.Open(c.hint), log)
		if diff := cmp.Diff(c.want, done); diff != "" || action.Start != 40 {
			t.Errorf("hint %+v leads to %+v by %s", c.hint, action, diff)
		}
	}

	// Retention was faster than the archive: an object says so, and its records are those that are left.
	action, done = run(t, a, two, two.Open(hint), Bounds{50, 100})
	if diff := cmp.Diff([]Do{ReadHead, Look, List, AskLog, Put, AskLog}, done); diff != "" || action.Start != 50 {
		t.Errorf("a gap leads to %+v by %s", action, diff)
	}
	e, err := a.look(t.Context(), partition.key(1, 40))
	want := Info{ID: partition, Generation: 1, Start: 40, End: 50, Nonce: "two-2", Epoch: 4, Gap: true}
	if diff := cmp.Diff(want, e.Info); diff != "" || err != nil {
		t.Error(diff, err)
	}

	// A log that ends before the archive lost records.
	action, _ = run(t, a, one, one.Open(Hint{}), Bounds{0, 49})
	if action.Do != Stop || !strings.Contains(action.Err.Error(), "ends at offset 50 and the log at 49") || !strings.Contains(action.Err.Error(), "set generation to 2") {
		t.Errorf("a truncated log leads to %+v", action)
	}
}

// An object that says of itself that it belongs elsewhere ends the work on the chain.
func TestForeignObject(t *testing.T) {
	memory := &store.Memory{}
	a := New(memory, DefaultConfig())
	c := NewChain(partition, "w")
	run(t, a, c, c.Open(Hint{}), Bounds{0, 9})
	for _, foreign := range []Info{
		{ID: partition, Generation: 1, Start: 1, End: 5},
		{ID: partition, Generation: 2, Start: 0, End: 5},
		{ID: ID{"c", "t", "other", 3}, Generation: 1, Start: 0, End: 5},
		{ID: partition, Generation: 1, Start: 0, End: 0},
	} {
		key := partition.key(1, 0)
		if err := memory.Put(t.Context(), key, []byte("x"), foreign.metadata()); err != nil {
			t.Fatal(err)
		}
		action, _ := run(t, a, c, c.Open(Hint{}), Bounds{0, 9})
		if action.Do != Stop || !strings.Contains(action.Err.Error(), key) {
			t.Errorf("%+v leads to %+v", foreign, action)
		}
		memory.Remove(key)
	}
}

func TestKeys(t *testing.T) {
	i := Info{ID: ID{"cluster", "capture", "abc", 12}, Generation: 2, Start: 345, End: 400, Rows: 50, Nonce: "n", Epoch: -1, Gap: true}
	if want := "v1/cluster/capture/abc/g0002/p00012/00000000000000000345.parquet"; i.key() != want {
		t.Errorf("the key is %s, want %s", i.key(), want)
	}
	id, generation, start, ok := parseKey(i.key())
	if !ok || id != i.ID || generation != 2 || start != 345 {
		t.Errorf("%s reads as %+v %d %d %v", i.key(), id, generation, start, ok)
	}
	id, _, _, ok = parseKey(i.headKey())
	if !ok || id != i.ID {
		t.Errorf("%s reads as %+v %v", i.headKey(), id, ok)
	}
	got, err := parseInfo(i.metadata())
	if err != nil || got != i {
		t.Errorf("%+v reads as %+v, %v", i, got, err)
	}
	for _, key := range []string{"", "v1/a", "v1/a/b/c/g1/p00012/00000000000000000345.parquet", i.key() + ".tmp", "v1/a/b/c/p1/head.json", "v1/a/b/c/g0001/p00001/345.parquet"} {
		if _, _, _, ok := parseKey(key); ok {
			t.Errorf("%q is taken for a key", key)
		}
	}
	for _, key := range []string{metaVersion, metaStart, metaRows, metaGap, metaEpoch, metaGeneration, metaPartition} {
		m := i.metadata()
		m[key] = "x"
		if _, err := parseInfo(m); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("a bad %s gives %v", key, err)
		}
	}
}
