package simulation

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/windows"
)

// Errors of a broker. errLost is one of the network: the request was carried out, or will be, or never.
var (
	errLost        = errors.New("no answer")
	errOutOfRange  = errors.New("OFFSET_OUT_OF_RANGE")
	errProducer    = errors.New("INVALID_PRODUCER_EPOCH")
	errConcurrent  = errors.New("CONCURRENT_TRANSACTIONS")
	errMember      = errors.New("UNKNOWN_MEMBER_ID")
	errGeneration  = errors.New("ILLEGAL_GENERATION")
	errRebalance   = errors.New("REBALANCE_IN_PROGRESS")
	errInstance    = errors.New("FENCED_INSTANCE_ID")
	errUnstable    = errors.New("UNSTABLE_OFFSET_COMMIT")
	errTransaction = errors.New("INVALID_TXN_STATE")
)

// commitLog is a partition: a log with Kafka's transaction semantics.
type commitLog struct {
	name    windows.Source
	broker  int
	start   int64 // the first offset that was not deleted
	end     int64
	entries []entry // in order; compaction leaves holes
	open    map[*transaction]int64
	batches map[batch]bool // that were appended, so that one that is sent again is not
	cleaned []*kgo.Record  // committed ones that retention deleted
}

type entry struct {
	*kgo.Record
	of *transaction // nil outside of transactions
}

// batch names what a producer appends at once.
type batch struct {
	producer string
	epoch    int
	number   int
}

var (
	plainAttrs   = kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: 1})
	controlAttrs = kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: 1, Transactional: true, Control: true})
)

// append puts records at the end, with the broker's time.
func (p *commitLog) append(now time.Time, of *transaction, records ...kgo.Record) {
	for i := range records {
		r := records[i]
		r.Topic, r.Partition, r.Offset, r.Timestamp = p.name.Topic, p.name.Partition, p.end, now
		if !r.Attrs.IsControl() {
			r.Attrs = plainAttrs
		}
		if of != nil && of.state == ongoing {
			if _, known := p.open[of]; !known {
				p.open[of] = p.end
			}
		}
		p.entries = append(p.entries, entry{&r, of})
		p.end++
	}
}

// stable is the last stable offset.
func (p *commitLog) stable() int64 {
	stable := p.end
	for _, first := range p.open {
		stable = min(stable, first)
	}
	return stable
}

// at is the index of the first entry from an offset on.
func (p *commitLog) at(offset int64) int {
	return sort.Search(len(p.entries), func(i int) bool { return p.entries[i].Offset >= offset })
}

// fetched is what a read of a partition brings.
type fetched struct {
	name    windows.Source
	records []*kgo.Record // committed ones and control records
	next    int64         // where to go on
	stable  int64
	err     error
}

// fetch reads up to most entries as a reader of committed records with control records kept.
func (p *commitLog) fetch(from int64, most int) fetched {
	f := fetched{name: p.name, next: from, stable: p.stable()}
	if from < p.start || from > p.end {
		f.err = fmt.Errorf("%w: %v %d is not in [%d, %d]", errOutOfRange, p.name, from, p.start, p.end)
		return f
	}
	i := p.at(from)
	for ; i < len(p.entries) && p.entries[i].Offset < f.stable && len(f.records) < most; i++ {
		e := p.entries[i]
		f.next = e.Offset + 1
		if e.Attrs.IsControl() || e.of == nil || e.of.state == committed {
			f.records = append(f.records, e.Record)
		}
	}
	if i == len(p.entries) || p.entries[i].Offset >= f.stable {
		f.next = max(f.next, f.stable)
	}
	return f
}

// retain deletes what is before an offset, as retention does.
func (p *commitLog) retain(from int64) {
	from = max(p.start, min(from, p.stable()))
	p.cleaned = append(p.cleaned, p.visible(from)...)
	p.start = from
	p.entries = p.entries[p.at(p.start):]
}

// compact leaves the last committed record of each key, of those before the last stable offset.
func (p *commitLog) compact() {
	stable := p.stable()
	last := map[string]int64{}
	for _, e := range p.entries {
		if e.Offset < stable && e.Key != nil && (e.of == nil || e.of.state == committed) {
			last[string(e.Key)] = e.Offset
		}
	}
	var kept []entry
	for _, e := range p.entries {
		if e.Offset >= stable || e.Key != nil && last[string(e.Key)] == e.Offset || e.Offset == stable-1 {
			kept = append(kept, e)
		}
	}
	p.entries = kept
}

// committed returns all records that readers of committed records see.
func (p *commitLog) committed() []*kgo.Record { return p.visible(p.stable()) }

func (p *commitLog) visible(before int64) []*kgo.Record {
	var records []*kgo.Record
	for _, e := range p.entries {
		if e.Offset < before && !e.Attrs.IsControl() && (e.of == nil || e.of.state == committed) {
			records = append(records, e.Record)
		}
	}
	return records
}
