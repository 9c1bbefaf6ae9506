package processor

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recordPool keeps the memory of record batches that were recycled for the next ones. A record's key, value and headers
// are not in it.
type recordPool struct {
	batches sync.Pool // of *[]kgo.Record
	holders sync.Pool // of *[]kgo.Record that hold none, so that keeping a batch costs no memory
}

// GetRecords returns a slice with room for n records.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	holder, ok := p.batches.Get().(*[]kgo.Record)
	if !ok {
		return make([]kgo.Record, 0, n)
	}
	records := *holder
	*holder = nil
	p.holders.Put(holder)
	if cap(records) < n {
		return make([]kgo.Record, 0, n)
	}
	return records[:0]
}

// PutRecords takes a slice back.
func (p *recordPool) PutRecords(records []kgo.Record) {
	holder, ok := p.holders.Get().(*[]kgo.Record)
	if !ok {
		holder = new([]kgo.Record)
	}
	*holder = records
	p.batches.Put(holder)
}
