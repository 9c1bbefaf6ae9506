package monitor

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"tidemark/windows"
)

// compacted is a state topic after compaction: the last value of each key.
type compacted struct {
	values     map[string][]byte
	partitions []byte
	replayFrom int64
	committed  int64
	closing    *Closing
}

// save writes what a commit at an offset writes.
func (c *compacted) save(t rapid.TB, shard *Shard, out Output, next int64) {
	t.Helper()
	put := func(key string, value []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		c.values[key] = value
	}
	for _, p := range out.Panes {
		value, err := p.Append(nil)
		put(p.Key(), value, err)
	}
	sequences, err := shard.Sequences()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range sequences {
		value, err := json.Marshal(&q)
		put(q.Key(), value, err)
	}
	for _, b := range shard.Bets() {
		value, err := b.Append(nil)
		put(b.Key(), value, err)
	}
	for _, w := range out.Windows {
		value, err := w.Append(nil)
		put(w.Key(), value, err)
	}
	for _, e := range shard.Changes() {
		value, err := json.Marshal(e)
		put(e.Key(), value, err)
	}
	value, err := json.Marshal(shard.Partitions())
	put("meta", value, err)
	c.partitions, c.replayFrom, c.committed, c.closing = value, shard.ReplayFrom(next), next, shard.Closing()
	delete(c.values, "meta")
}

// restore builds a shard from what was saved and from the log.
func (c *compacted) restore(t rapid.TB, monitors []*Monitor, log []entry) *Shard {
	t.Helper()
	shard := NewShard(monitors)
	for _, key := range slices.Sorted(maps.Keys(c.values)) { // endpoints before panes
		value := c.values[key]
		var err error
		if strings.HasPrefix(key, "endpoint/") {
			var e SavedEndpoint
			if err = json.Unmarshal(value, &e); err == nil {
				err = shard.Restore(e)
			}
		} else if strings.HasPrefix(key, "sequence/") {
			var q SavedSequence
			if err = json.Unmarshal(value, &q); err == nil {
				err = shard.RestoreSequence(q)
			}
		} else if strings.HasPrefix(key, "bets/") {
			var b SavedBets
			if b, err = DecodeBets(value); err == nil {
				err = shard.RestoreBets(b)
			}
		} else if strings.HasPrefix(key, "pane/") {
			var p SavedPane
			if p, err = DecodePane(value); err == nil {
				shard.RestorePane(p)
			}
		}
		if strings.HasPrefix(key, "window/") {
			w, err := DecodeWindow(value)
			if err != nil {
				t.Fatal(err)
			}
			shard.RestoreWindow(w)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var v windows.Vector
	if err := json.Unmarshal(c.partitions, &v); err != nil {
		t.Fatal(err)
	}
	shard.RestorePartitions(v)
	shard.RestoreClosing(c.closing)
	for offset := c.replayFrom; offset < c.committed; offset++ {
		if log[offset].delta == nil {
			continue
		}
		d, err := DecodeDelta(log[offset].delta)
		if err == nil {
			err = shard.Replay(d, offset)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return shard
}
