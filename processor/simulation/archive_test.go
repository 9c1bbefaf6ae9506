package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/capture"
	"tidemark/processor"
	"tidemark/sinks/archive"
	"tidemark/store"
	"tidemark/windows"
)

const (
	archiveEvery = 12 * time.Second
	archiveSize  = 40 << 10
)

// objects is the object store.
type objects struct {
	store.Memory
	*archive.Archive
}

func newObjects() *objects {
	o := &objects{}
	o.Archive = archive.New(&o.Memory, archive.Config{})
	return o
}

func chainID(name windows.Source) archive.ID {
	return archive.ID{Cluster: "simulated", Topic: name.Topic, TopicID: "id", Partition: name.Partition}
}

var archiveSource = archive.Source{Variant: "default", Schemas: func(endpoint, variant string) []*capture.Schema {
	var schemas []*capture.Schema
	for _, m := range monitors() {
		if m.Watches(endpoint, variant) {
			schemas = append(schemas, &m.Baseline.Schema)
		}
	}
	return schemas
}}

// archive is the role, as processor's archive.go, archived.go and archivejob.go have it.
func (p *process) archive(t *task) {
	c := newConsumer(p, "tidemark-archive")
	parts := map[windows.Source]*archived{}
	c.assigned = func(name windows.Source) {
		p.opened++
		a := &archived{process: p, consumer: c, id: chainID(name), name: name}
		a.chain = archive.NewChain(a.id, fmt.Sprintf("%s-%d-%d", p.instance, p.number, p.opened))
		parts[name] = a
		p.spawn(a.run)
	}
	c.unassigned = func(name windows.Source) {
		if a := parts[name]; a != nil {
			a.revoked = true
			delete(parts, name)
		}
	}
	manager := p.spawn(c.manage)
	for !p.stopping {
		t.sleep(200 * time.Millisecond)
		if c.failed != nil {
			p.refuse(c.failed)
			t.sleep(time.Hour)
		}
	}
	c.closed = true
	manager.kill()
}

// archived is a partition on its way to the archive.
type archived struct {
	*process
	consumer *consumer
	name     windows.Source
	id       archive.ID
	chain    *archive.Chain
	revoked  bool
}

func (a *archived) run(t *task) {
	action := a.open(t)
	for !a.revoked {
		if action.Do == archive.Stop {
			t.fail("%s: the archive of %v stops: %v", a.instance, a.name, action.Err)
			return
		}
		records, whole := a.read(t, action)
		if records == nil {
			return
		}
		if records.End == records.Start {
			if whole {
				return
			}
			action = a.perform(t, a.chain.Place(), nil)
			continue
		}
		table := records.Table()
		cut := a.chain.Cut(records.End, table.Rows, records.Epoch)
		if cut.Do == archive.Stop {
			action = cut
			continue
		}
		content, err := table.Parquet(cut.Info, "")
		if err != nil {
			t.fail("%s: %v", a.instance, err)
			return
		}
		action = a.perform(t, cut, content)
		if a.stopping {
			return
		}
	}
}

func (a *archived) open(t *task) archive.Action {
	hint := archive.Hint{}
	var o offset
	if err := t.call(coordinator(a.consumer.group.name), "fetch offset", func() (err error) { o, err = a.consumer.group.fetch(a.name); return err }); err == nil && o.at >= 0 {
		hint = archive.ParseHint(o.at, o.metadata)
	}
	return a.perform(t, a.chain.Open(hint), nil)
}

// read reads what is to become an object. It is nil when the partition was taken away, and whole when nothing is in the
// way of more.
func (a *archived) read(t *task, from archive.Action) (records *archive.Records, whole bool) {
	records = archive.NewDecoder(archiveSource).NewRecords(from.Start, from.Epoch)
	log := t.log(a.name)
	since, some := time.Duration(0), false
	for {
		if a.revoked {
			return nil, false
		}
		if some && (t.now-since >= archiveEvery || records.Bytes >= archiveSize) || a.stopping {
			return records, true
		}
		var f fetched
		at := records.End
		if err := t.call(log.broker, "fetch", func() error { f = log.fetch(at, 300); return nil }); err != nil {
			continue
		}
		if errors.Is(f.err, errOutOfRange) {
			return records, false
		}
		for _, r := range f.records {
			if processor.Collect(records, r) && !some {
				since, some = t.now, true
			}
		}
		t.sleep(t.between(200*time.Millisecond, time.Second))
	}
}

// perform carries out actions until there are records to read or the chain stops, and leaves a hint.
func (a *archived) perform(t *task, action archive.Action, content []byte) archive.Action {
	for action.Do != archive.Read && action.Do != archive.Stop {
		event := a.repeat(t, action, content)
		if t.bug == adoptionIgnored && action.Do == archive.Put {
			event.Exists = false
		}
		t.note("%s: %v: %d of %d: %v", a.instance, a.name, action.Do, action.Start+action.Info.Start, event.Exists)
		action = a.chain.Step(event)
	}
	if last, ok := a.chain.Last(); ok && action.Do == archive.Read {
		g, as := a.consumer.group, a.consumer.as
		hint := last.Hint()
		// That it fails makes no difference but to the next start.
		_ = t.call(coordinator(g.name), "commit", func() error {
			if err := g.check(as); err != nil {
				return err
			}
			g.offsets[a.name] = offset{hint.End, hint.String()}
			return nil
		})
	}
	return action
}

// repeat carries out an action until its outcome is known.
func (a *archived) repeat(t *task, action archive.Action, content []byte) archive.Event {
	for {
		var event archive.Event
		host, what := storeHost, "get"
		do := func() (err error) {
			event, err = t.store.Perform(context.Background(), a.id, action, content)
			return err
		}
		switch action.Do {
		case archive.AskLog:
			log := t.log(a.name)
			host, what = log.broker, "list"
			do = func() error { event = archive.Event{Log: archive.Bounds{Start: log.start, End: log.end}}; return nil }
		case archive.Put:
			what = "put"
			if action.Info.Gap {
				var err error
				if content, err = (&archive.Table{}).Parquet(action.Info, ""); err != nil {
					t.fail("%s: %v", a.instance, err)
				}
			}
		}
		switch err := t.call(host, what, do); {
		case err == nil:
			return event
		case !errors.Is(err, errLost):
			t.fail("%s: %v: %v", a.instance, a.name, err)
		}
		t.sleep(t.between(time.Second, 4*time.Second))
	}
}
