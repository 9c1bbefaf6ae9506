package processor

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recordPool keeps the memory of record batches that were recycled for the next ones. A record's key, value and headers
// are not in it.
type recordPool struct{ batches sync.Pool }

// GetRecords returns a slice with room for n records.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	if kept, ok := p.batches.Get().(*[]kgo.Record); ok && cap(*kept) >= n {
		return (*kept)[:0]
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords takes a slice back.
func (p *recordPool) PutRecords(records []kgo.Record) { p.batches.Put(&records) }
