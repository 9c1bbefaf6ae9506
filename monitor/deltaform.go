package monitor

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"tidemark/windows"
)

// Wire format, version 2. Integers are varints, those that may be negative zigzag ones; texts come behind their length. A source
// is the place of its topic among the topics, and its partition.
//
//	0 version endpoint missed topics { topic } sources { source event_time appended ended }
//	panes { variant layout start length rows size ranges { source start end } }  profiles
//
// Version 1, which is read too, is the length of a JSON head, the head, and the profiles.
const (
	deltaVersion = 2
	jsonDelta    = 1
)

// Append writes the delta behind b.
func (d *Delta) Append(b []byte) []byte {
	var topics []string
	place := func(s windows.Source) uint64 {
		i := slices.Index(topics, s.Topic)
		if i < 0 {
			i, topics = len(topics), append(topics, s.Topic)
		}
		return uint64(i)
	}
	size := 64 + len(d.Endpoint)
	for i := range d.Sources {
		place(d.Sources[i].Source)
		size += 24
	}
	for i := range d.Panes {
		p := &d.Panes[i]
		p.Size = len(p.Profile)
		for k := range p.Ranges {
			place(p.Ranges[k].Source)
		}
		size += 64 + 24*len(p.Ranges) + p.Size
	}
	b = append(slices.Grow(b, size), 0, deltaVersion)
	b = appendText(appendText(b, d.Endpoint), d.Missed)
	b = binary.AppendUvarint(b, uint64(len(topics)))
	for _, topic := range topics {
		b = appendText(b, topic)
	}
	source := func(s windows.Source) {
		b = binary.AppendVarint(binary.AppendUvarint(b, place(s)), int64(s.Partition))
	}
	b = binary.AppendUvarint(b, uint64(len(d.Sources)))
	for i := range d.Sources {
		p := &d.Sources[i]
		source(p.Source)
		b = binary.AppendVarint(binary.AppendVarint(b, int64(p.EventTime)), int64(p.Appended))
		ended := byte(0)
		if p.Ended {
			ended = 1
		}
		b = append(b, ended)
	}
	b = binary.AppendUvarint(b, uint64(len(d.Panes)))
	for i := range d.Panes {
		p := &d.Panes[i]
		b = appendText(appendText(b, p.Variant), p.Layout)
		for _, n := range []int64{int64(p.Start), p.Length, p.Rows, int64(p.Size)} {
			b = binary.AppendVarint(b, n)
		}
		b = binary.AppendUvarint(b, uint64(len(p.Ranges)))
		for k := range p.Ranges {
			source(p.Ranges[k].Source)
			b = binary.AppendVarint(binary.AppendVarint(b, p.Ranges[k].Start), p.Ranges[k].End)
		}
	}
	for i := range d.Panes {
		b = append(b, d.Panes[i].Profile...)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// DecodeDelta reads what Append wrote. The profiles share the memory of b.
func DecodeDelta(b []byte) (*Delta, error) {
	decode := decodeJSONHead
	if len(b) > 1 && b[0] == 0 {
		decode = decodeHead
	}
	d, b, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("decode delta: %w", err)
	}
	for i := range d.Panes {
		p := &d.Panes[i]
		if p.Size < 0 || p.Size > len(b) {
			return nil, fmt.Errorf("decode delta of endpoint %q: pane %v has %d bytes, %d are left", d.Endpoint, p.Start, p.Size, len(b))
		}
		p.Profile, b = b[:p.Size], b[p.Size:]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("decode delta of endpoint %q: %d bytes behind the last pane", d.Endpoint, len(b))
	}
	return d, nil
}

// decodeJSONHead reads all but the profiles of a delta of version 1, and returns what is left.
func decodeJSONHead(b []byte) (*Delta, []byte, error) {
	var head struct {
		Version int `json:"version"`
		Delta
	}
	b, err := cutHead(b, &head)
	if err == nil && head.Version != jsonDelta {
		err = badVersion(head.Version)
	}
	return &head.Delta, b, err
}

func badVersion(version int) error {
	return fmt.Errorf("version %d, this program reads versions %d and %d", version, jsonDelta, deltaVersion)
}

// decodeHead reads all but the profiles, and returns what is left.
func decodeHead(b []byte) (*Delta, []byte, error) {
	if b[1] != deltaVersion {
		return nil, nil, badVersion(int(b[1]))
	}
	r := headReader{b: b[2:]}
	d := &Delta{Endpoint: r.text(), Missed: r.text()}
	for range r.count() {
		r.topics = append(r.topics, r.text())
	}
	if n := r.count(); n > 0 {
		d.Sources = make([]windows.Progress, n)
	}
	for i := range d.Sources {
		p := &d.Sources[i]
		p.Source = r.source()
		p.EventTime, p.Appended, p.Ended = windows.Time(r.int()), windows.Time(r.int()), r.uint() == 1
	}
	for range r.count() {
		p := PaneDelta{Variant: r.text(), Layout: r.text(), Start: windows.Time(r.int()), Length: r.int(), Rows: r.int(), Size: int(r.int())}
		if n := r.count(); n > 0 {
			p.Ranges = make([]Range, n)
		}
		for k := range p.Ranges {
			p.Ranges[k] = Range{r.source(), r.int(), r.int()}
		}
		d.Panes = append(d.Panes, p)
	}
	return d, r.b, r.err
}

var (
	errShortHead = errors.New("it ends too early")
	errHead      = errors.New("a number is larger than it can be")
)

// headReader takes values from the front of a slice until the first error.
type headReader struct {
	b      []byte
	topics []string
	err    error
}

func (r *headReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// skip passes over a varint of n bytes, which is not there, and was read as 0, when n is none.
func (r *headReader) skip(n int) {
	if n <= 0 {
		r.fail(errShortHead)
		return
	}
	r.b = r.b[n:]
}

func (r *headReader) int() int64 {
	x, n := binary.Varint(r.b)
	r.skip(n)
	return x
}

func (r *headReader) uint() uint64 {
	x, n := binary.Uvarint(r.b)
	r.skip(n)
	return x
}

// count reads how many of something follow, each of which takes a byte at least.
func (r *headReader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail(errShortHead)
		return 0
	}
	return int(n)
}

func (r *headReader) text() string {
	n := r.count()
	text := string(r.b[:n])
	r.b = r.b[n:]
	return text
}

func (r *headReader) source() windows.Source {
	place, partition := r.uint(), r.int()
	if place >= uint64(len(r.topics)) || partition < math.MinInt32 || partition > math.MaxInt32 {
		r.fail(errHead)
		return windows.Source{}
	}
	return windows.Source{Topic: r.topics[place], Partition: int32(partition)}
}

// appendHead writes a JSON head behind b: its length as a varint, then itself.
func appendHead(b []byte, head any) ([]byte, error) {
	text, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	return append(binary.AppendUvarint(b, uint64(len(text))), text...), nil
}

// cutHead reads what appendHead wrote and returns what comes after it.
func cutHead(b []byte, head any) (rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, fmt.Errorf("the head's length does not fit the %d bytes of the record", len(b))
	}
	return b[n+int(size):], json.Unmarshal(b[n:n+int(size)], head)
}
