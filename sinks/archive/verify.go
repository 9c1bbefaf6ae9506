package archive

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"tidemark/store"
)

// Report is what [Archive.Verify] found.
type Report struct {
	Chains   []ChainReport `json:"chains"`
	Findings []Finding     `json:"findings"`
}

// ChainReport is one generation of one partition.
type ChainReport struct {
	ID
	Generation int32 `json:"generation"`
	Start      int64 `json:"start"`
	End        int64 `json:"end"`
	Objects    int64 `json:"objects"`
	Rows       int64 `json:"rows"`
	Bytes      int64 `json:"bytes"`
	Lost       int64 `json:"lost"`    // offsets that Kafka deleted before they were archived, as gap objects say
	Expired    int64 `json:"expired"` // rows that were taken away when they were old, as expired objects say
}

// Finding is something that should not be.
type Finding struct {
	Key    string `json:"key"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
}

// The kinds of a finding.
const (
	FindingMissing = "missing" // offsets that no object covers
	FindingOverlap = "overlap" // offsets that two objects cover
	FindingCopy    = "copy"    // the object says that it is another
	FindingDamaged = "damaged" // the object does not hold what it says
	FindingHead    = "head"    // the head is not there or does not fit
	FindingUnknown = "unknown" // not an object of an archive
)

// Verify reads every object and walks every chain. progress is told each object's key.
func (a *Archive) Verify(ctx context.Context, progress func(key string)) (Report, error) {
	v := verifier{archive: a, report: Report{Chains: []ChainReport{}, Findings: []Finding{}}, heads: map[ID]*Head{}}
	for o, err := range a.store.List(ctx, root, "") {
		if err != nil {
			return v.report, err
		}
		progress(o.Key)
		if err := v.object(ctx, o.Key); err != nil {
			return v.report, err
		}
	}
	return v.report, nil
}

type verifier struct {
	archive *Archive
	report  Report
	heads   map[ID]*Head // nil when it is there and cannot be read
	chain   *ChainReport // the one being walked
}

func (v *verifier) find(kind, key, format string, args ...any) {
	v.report.Findings = append(v.report.Findings, Finding{key, kind, fmt.Sprintf(format, args...)})
}

// object looks at what was listed: objects of one chain come one after the other, in order.
func (v *verifier) object(ctx context.Context, key string) error {
	id, generation, start, ok := parseKey(key)
	switch {
	case !ok:
		v.find(FindingUnknown, key, "is neither an object of a chain nor a head")
		return nil
	case generation == 0:
		_, err := v.head(ctx, id)
		return err
	}
	content, o, err := v.archive.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		v.find(FindingMissing, key, "was listed and is not there")
		return nil
	}
	if err != nil {
		return err
	}
	if v.chain == nil || v.chain.ID != id || v.chain.Generation != generation {
		if err := v.begin(ctx, id, generation, start); err != nil {
			return err
		}
	}
	v.link(key, start, content, o)
	return nil
}

// head returns what is known of a partition, once.
func (v *verifier) head(ctx context.Context, id ID) (*Head, error) {
	if h, ok := v.heads[id]; ok {
		return h, nil
	}
	v.heads[id] = nil
	content, _, err := v.archive.store.Get(ctx, id.headKey())
	if errors.Is(err, store.ErrNotFound) {
		v.find(FindingHead, id.headKey(), "is missing, so that it is not known where the chain begins")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h, err := parseHead(content)
	if err != nil {
		v.find(FindingHead, id.headKey(), "cannot be read: %v", err)
		return nil, nil
	}
	v.heads[id] = &h
	return &h, nil
}

// begin starts on another chain.
func (v *verifier) begin(ctx context.Context, id ID, generation int32, start int64) error {
	h, err := v.head(ctx, id)
	if err != nil {
		return err
	}
	if h != nil {
		switch {
		case generation > h.Generation:
			v.find(FindingHead, id.headKey(), "says generation %d, and there are objects of generation %d", h.Generation, generation)
		case generation == h.Generation:
			start = h.First
		}
	}
	v.report.Chains = append(v.report.Chains, ChainReport{ID: id, Generation: generation, Start: start, End: start})
	v.chain = &v.report.Chains[len(v.report.Chains)-1]
	return nil
}

// link looks at an object and how it lies to the one before.
func (v *verifier) link(key string, start int64, content []byte, o store.Object) {
	c := v.chain
	within, err := Metadata(content)
	if err != nil {
		v.find(FindingDamaged, key, "%v", err)
	}
	info, said := parseInfo(o.Metadata)
	if said != nil && err == nil {
		info, said = parseInfo(within)
		v.find(FindingDamaged, key, "%v", said)
	}
	if said != nil {
		// Where it ends is not known, so what is behind it cannot be said to be missing.
		if start < c.End {
			v.find(FindingOverlap, key, "begins before offset %d, where the object before it ends", c.End)
		}
		c.End = -1
		return
	}
	if info.key() != key {
		v.find(FindingCopy, key, "says that it is %s", info.key())
		return // and is no part of the chain
	}
	if err == nil && !maps.Equal(within, o.Metadata) {
		v.find(FindingDamaged, key, "its metadata and its footer do not agree: %s", difference(o.Metadata, within))
	} else if err == nil {
		if err := check(content, info); err != nil {
			v.find(FindingDamaged, key, "%v", err)
		}
	}
	switch {
	case c.End >= 0 && start > c.End:
		v.find(FindingMissing, c.key(c.Generation, c.End), "is not there: no object covers the offsets [%d, %d)", c.End, start)
	case start < c.End:
		v.find(FindingOverlap, key, "begins at offset %d, and the object before it ends at %d", start, c.End)
	}
	c.Objects++
	c.Rows += info.Rows
	c.Bytes += o.Size
	c.Expired += info.ExpiredRows
	if h := v.heads[c.ID]; h != nil && c.Generation == h.Generation && start < h.Floor && info.Rows > 0 {
		v.find(FindingHead, key, "has rows, and %s says that those before offset %d have expired", c.headKey(), h.Floor)
	}
	if info.Gap {
		c.Lost += info.End - info.Start
	}
	c.End = max(c.End, info.End)
}
