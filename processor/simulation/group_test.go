package simulation

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"tidemark/windows"
)

const sessionTimeout = 10 * time.Second

// group is a consumer group with static members and cooperative-sticky assignment: a partition goes to another member
// only after the one that had it has said, by joining without it, that it gave it up, or has not been heard of for the
// session timeout.
type group struct {
	*cluster
	name       string
	partitions []windows.Source
	generation int32
	members    map[string]*member // by instance
	preparing  bool               // a new generation, for which all are to join
	offsets    map[windows.Source]offset
	pending    map[windows.Source]int // transactions that are to commit it and are not decided
	joins      int
}

type member struct {
	id       int
	beat     time.Duration
	joined   bool
	claims   []windows.Source
	since    int32 // generation of the claims
	assigned []windows.Source
}

type offset struct {
	at       int64
	metadata string
}

// membership is how a member presents itself.
type membership struct {
	instance   string
	id         int
	generation int32
}

func (g *group) find(m membership) (*member, error) {
	known := g.members[m.instance]
	switch {
	case known == nil:
		return nil, errMember
	case known.id != m.id:
		return nil, errInstance
	}
	return known, nil
}

// check is that of a commit.
func (g *group) check(m membership) error {
	if _, err := g.find(m); err != nil {
		return err
	}
	if m.generation != g.generation {
		return errGeneration
	}
	return nil
}

// enter adds an instance, or puts another process in its place, which then has what the former had.
func (g *group) enter(instance string) membership {
	g.joins++
	m := g.members[instance]
	if m == nil {
		m = &member{}
		g.members[instance] = m
		g.prepare()
		m.joined = true
	}
	m.id, m.beat = g.joins, g.now
	if g.preparing {
		m.joined, m.claims = true, nil
		g.complete()
	}
	return membership{instance, m.id, g.generation}
}

// join takes in that a member knows of the new generation, and what it still has.
func (g *group) join(as membership, claims []windows.Source) error {
	m, err := g.find(as)
	if err != nil {
		return err
	}
	g.prepare()
	m.beat, m.joined, m.claims, m.since = g.now, true, claims, as.generation
	g.complete()
	return nil
}

func (g *group) prepare() {
	if !g.preparing {
		g.preparing = true
		for _, m := range g.members {
			m.joined = false
		}
	}
}

// sync returns a member's assignment.
func (g *group) sync(as membership) (generation int32, assigned []windows.Source, err error) {
	m, err := g.find(as)
	if err != nil {
		return 0, nil, err
	}
	m.beat = g.now
	switch {
	case g.preparing && !m.joined:
		return 0, nil, errGeneration
	case g.preparing:
		return 0, nil, errRebalance
	}
	return g.generation, m.assigned, nil
}

func (g *group) heartbeat(as membership) error {
	m, err := g.find(as)
	if err != nil {
		return err
	}
	m.beat = g.now
	if g.preparing && !m.joined {
		return errRebalance
	}
	if as.generation != g.generation {
		return errGeneration
	}
	return nil
}

// expire removes members that were not heard of.
func (g *group) expire() {
	for _, instance := range sorted(g.members) {
		if g.now-g.members[instance].beat > sessionTimeout {
			g.note("%s: %s is out", g.name, instance)
			delete(g.members, instance)
			g.prepare()
		}
	}
	g.complete()
}

// complete begins the new generation once all have joined.
func (g *group) complete() {
	if !g.preparing || len(g.members) == 0 {
		return
	}
	for _, m := range g.members {
		if !m.joined {
			return
		}
	}
	g.preparing = false
	g.generation++
	g.assign()
	g.note("%s: generation %d of %d members", g.name, g.generation, len(g.members))
}

// assign shares the partitions out evenly, leaves each member what it can keep, and holds back what another still has.
func (g *group) assign() {
	instances := sorted(g.members)
	owner := map[windows.Source]string{}
	for _, instance := range instances {
		m := g.members[instance]
		for _, name := range m.claims {
			if o, taken := owner[name]; !taken || m.since > g.members[o].since {
				owner[name] = instance
			}
		}
		m.assigned = nil
	}
	slices.SortStableFunc(instances, func(a, b string) int { return cmp.Compare(len(g.members[b].claims), len(g.members[a].claims)) })
	quota, extra := len(g.partitions)/len(instances), len(g.partitions)%len(instances)
	most := map[string]int{}
	for i, instance := range instances {
		most[instance] = quota
		if i < extra {
			most[instance]++
		}
	}
	var free []windows.Source
	for _, name := range g.partitions {
		o, owned := owner[name]
		switch {
		case !owned:
			free = append(free, name)
		case len(g.members[o].assigned) < most[o]:
			g.members[o].assigned = append(g.members[o].assigned, name)
		}
	}
	for _, instance := range instances {
		m := g.members[instance]
		for len(free) > 0 && len(m.assigned) < most[instance] {
			m.assigned, free = append(m.assigned, free[0]), free[1:]
		}
	}
}

// settle takes in the outcome of a transaction.
func (g *group) settle(t *transaction) {
	for name, at := range t.offsets {
		g.pending[name]--
		if t.state == committed {
			g.offsets[name] = offset{at: at}
		}
	}
}

// fetch returns a committed offset, or -1. One that a transaction may be about to change is not known yet.
func (g *group) fetch(name windows.Source) (offset, error) {
	if g.pending[name] > 0 {
		return offset{}, errUnstable
	}
	if o, known := g.offsets[name]; known {
		return o, nil
	}
	return offset{at: -1}, nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func sources[V any](m map[windows.Source]V) []windows.Source {
	return slices.SortedFunc(maps.Keys(m), windows.Source.Compare)
}
