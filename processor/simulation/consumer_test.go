package simulation

import (
	"errors"
	"slices"
	"time"

	"tidemark/windows"
)

// consumer is a member of a group. A task of its own keeps its session and takes in what it is assigned, whatever its
// owner is doing, as a client's does.
type consumer struct {
	process *process
	group   *group
	as      membership
	owned   map[windows.Source]*position
	revoked bool  // since the last transaction ended
	failed  error // another process took its place
	missing []windows.Source
	entered bool
	synced  bool
	beat    time.Duration

	pause      bool // what is assigned
	assigned   func(windows.Source)
	unassigned func(windows.Source)
	closed     bool
}

type position struct {
	committed int64
	read      int64 // behind the last record that was read, which is what is committed
	at        int64 // where to fetch from: what was aborted is passed over
	paused    bool
}

func newConsumer(p *process, group string) *consumer {
	return &consumer{
		process: p, group: p.groups[group], owned: map[windows.Source]*position{},
		assigned: func(windows.Source) {}, unassigned: func(windows.Source) {},
	}
}

// manage is the task.
func (c *consumer) manage(t *task) {
	for !c.closed && c.failed == nil {
		switch err := c.turn(t); {
		case errors.Is(err, errInstance):
			c.failed = err
		case errors.Is(err, errMember):
			t.note("%s: %s lost its place", c.group.name, c.process.instance)
			for _, name := range sources(c.owned) {
				c.lose(name)
			}
			c.entered, c.missing = false, nil
		case err != nil:
			t.sleep(50 * time.Millisecond)
		}
	}
}

func (c *consumer) lose(name windows.Source) {
	delete(c.owned, name)
	c.revoked = true
	c.unassigned(name)
}

// turn makes the next request of the group.
func (c *consumer) turn(t *task) error {
	host := coordinator(c.group.name)
	switch {
	case !c.entered:
		var as membership
		if err := t.call(host, "enter", func() error { as = c.group.enter(c.process.instance); return nil }); err != nil {
			return err
		}
		c.as, c.entered, c.synced = as, true, false
		return nil
	case !c.synced:
		return c.sync(t, host)
	case len(c.missing) > 0:
		if err := c.locate(t, host); err != nil {
			return err
		}
	}
	if t.now < c.beat {
		t.sleep(min(c.beat-t.now, time.Second))
		return nil
	}
	as := c.as
	err := t.call(host, "heartbeat", func() error { return c.group.heartbeat(as) })
	switch {
	case err == nil:
		c.beat = t.now + 3*time.Second
	case errors.Is(err, errRebalance), errors.Is(err, errGeneration):
		return c.join(t, host)
	}
	return err
}

func (c *consumer) join(t *task, host int) error {
	as, claims := c.as, append(sources(c.owned), c.missing...)
	if err := t.call(host, "join", func() error { return c.group.join(as, claims) }); err != nil {
		return err
	}
	c.synced = false
	return nil
}

// sync takes in the assignment, and joins again when that takes something away.
func (c *consumer) sync(t *task, host int) error {
	as := c.as
	var generation int32
	var assigned []windows.Source
	err := t.call(host, "sync", func() (err error) {
		generation, assigned, err = c.group.sync(as)
		assigned = slices.Clone(assigned)
		return err
	})
	if errors.Is(err, errGeneration) { // there is to be another already
		return c.join(t, host)
	}
	if err != nil {
		return err
	}
	c.as.generation, c.synced, c.beat = generation, true, t.now+3*time.Second
	lost := false
	for _, name := range sources(c.owned) {
		if !slices.Contains(assigned, name) {
			c.lose(name)
			lost = true
		}
	}
	c.missing = slices.DeleteFunc(assigned, func(name windows.Source) bool { return c.owned[name] != nil })
	if lost {
		return c.join(t, host)
	}
	return nil
}

// locate looks up where to read what was assigned.
func (c *consumer) locate(t *task, host int) error {
	name := c.missing[0]
	var o offset
	if err := t.call(host, "fetch offset", func() (err error) { o, err = c.group.fetch(name); return err }); err != nil {
		return err
	}
	if o.at < 0 {
		log := t.log(name)
		if err := t.call(log.broker, "list", func() error { o.at = log.start; return nil }); err != nil {
			return err
		}
	}
	if len(c.missing) > 0 && c.missing[0] == name {
		c.missing = c.missing[1:]
		c.owned[name] = &position{committed: o.at, read: o.at, at: o.at, paused: c.pause}
		c.assigned(name)
	}
	return nil
}
