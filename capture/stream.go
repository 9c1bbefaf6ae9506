package capture

import (
	"bytes"
	"fmt"
)

// A stream is a record in the streaming format of Arrow IPC (arrow.apache.org, "Arrow Columnar Format"): many rows, column
// by column. It is read in place, and not by the Arrow library, whose reader allocates what a message says of its own
// size. What is read is checked here, whole, so that taking rows of it cannot fail half-way.

// The limits of a record: what it takes to read one is in proportion to its size up to them.
const (
	maxStreamRows     = 1 << 14
	maxStreamCells    = 1 << 22
	maxStreamFields   = 1 << 12
	maxStreamBatches  = 1 << 8
	maxStreamMessages = 1 << 13
)

const continuation = "\xff\xff\xff\xff" // what each message begins with; JSON never does

// The columns that say what is beside the features and predictions of a row.
const (
	eventTimeColumn   = "event_time"
	eventIDColumn     = "event_id"
	inferenceIDColumn = "inference_id"
)

// stream is a record's columns. Its slices are parts of the record.
type stream struct {
	fields       []field
	dictionaries []dictionary
	vectors      []vector // by field, of the first batch, then of the next
	counts       []int    // the rows of each batch
	rows         int
	times        []int64 // by row, noTime where there is none; empty without the column
	eventTime    int     // place in fields, or -1
	eventID      int
	inferenceID  int

	places []int   // scratch of match
	codes  []int16 // scratch of fillIndices
}

// field is a column. One with a dictionary has indices in its vectors, and texts in the dictionary.
type field struct {
	name       []byte
	is         arrowType // of a column with a dictionary: of its indices
	texts      arrowType // of the dictionary
	dictionary int       // place in dictionaries, or -1
}

type dictionary struct {
	id    int64
	is    arrowType
	texts values
	came  bool
}

func isStream(value []byte) bool {
	return len(value) >= len(continuation) && string(value[:len(continuation)]) == continuation
}

// readStream reads a record in Arrow's format.
func (r *Record) readStream(s *stream, value []byte) error {
	s.fields, s.dictionaries, s.vectors, s.counts = s.fields[:0], s.dictionaries[:0], s.vectors[:0], s.counts[:0]
	s.rows, s.times, s.eventTime, s.eventID, s.inferenceID = 0, s.times[:0], -1, -1, -1
	for messages := 0; ; messages++ {
		m, err := nextMessage(value)
		if err != nil {
			return err
		}
		value = m.rest
		if m.head == headEnd {
			break
		}
		switch {
		case messages == maxStreamMessages:
			return broken(fmt.Sprintf("it has more than %d messages", maxStreamMessages))
		case (messages == 0) != (m.head == headSchema):
			return broken("it does not have one schema, before all else")
		case m.head == headSchema:
			err = s.readSchema(&m)
		case m.head == headDictionary:
			err = s.readDictionary(&m)
		case m.head == headBatch:
			err = s.readBatch(&m)
		default:
			err = broken(fmt.Sprintf("it has a message of type %d, which is neither a dictionary nor a batch of rows", m.head))
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(value) > 0:
		return broken(fmt.Sprintf("it has %d bytes behind its end", len(value)))
	case s.rows == 0:
		return &Error{ReasonEmpty, "record", "is an Arrow stream without rows"}
	}
	r.stream, r.rows = s, s.rows
	return r.readTimes()
}

// broken is the error of a stream that is not what the format says.
func broken(detail string) error {
	return &Error{ReasonMalformed, "record", "is an Arrow stream, but " + detail}
}

// readSchema takes the columns.
func (s *stream) readSchema(m *message) error {
	schema, _ := m.child(m.root(), 2)
	if m.number(schema, 0, 2, 0) != 0 {
		return &Error{ReasonEncoding, "record", "is an Arrow stream of big-endian numbers: want little-endian ones"}
	}
	first, n := m.list(schema, 1, 4)
	if n > maxStreamFields {
		return &Error{ReasonColumns, "record", fmt.Sprintf("has %d columns: want at most %d", n, maxStreamFields)}
	}
	for i := range n {
		place := first + 4*i
		f := m.object(place + m.uint32(place))
		column := field{name: m.text(f, 0), is: m.arrowType(f), dictionary: -1}
		if m.bad {
			break
		}
		if _, children := m.list(f, 5, 4); children > 0 || column.is.kind == nested {
			return columnError(column.name, "is of a type that Tidemark cannot read: want a flat column, such as float64, utf8 or a dictionary of utf8")
		}
		if d, ok := m.child(f, 4); ok {
			column.texts, column.is = column.is, m.indexType(d)
			column.dictionary = s.dictionaryOf(m.long(d, 0), column.texts)
		}
		switch string(column.name) {
		case eventTimeColumn:
			s.eventTime = i
		case eventIDColumn:
			s.eventID = i
		case inferenceIDColumn:
			s.inferenceID = i
		}
		s.fields = append(s.fields, column)
	}
	if m.bad || len(s.fields) == 0 {
		return broken("its schema cannot be read")
	}
	for _, i := range []int{s.eventID, s.inferenceID} {
		if i >= 0 && (s.fields[i].is.kind != utf8Text || s.fields[i].dictionary >= 0) {
			return columnError(s.fields[i].name, "is "+s.fields[i].typeName()+": want utf8")
		}
	}
	return nil
}

func columnError(name []byte, detail string) error {
	return &Error{ReasonColumns, fmt.Sprintf("column %q", shorten(name)), detail}
}

// dictionaryOf is the place of the dictionary with an id, which several columns may share.
func (s *stream) dictionaryOf(id int64, is arrowType) int {
	for i := range s.dictionaries {
		if s.dictionaries[i].id == id {
			return i
		}
	}
	s.dictionaries = append(s.dictionaries, dictionary{id: id, is: is})
	return len(s.dictionaries) - 1
}

// readDictionary takes a dictionary, which may replace an earlier one.
func (s *stream) readDictionary(m *message) error {
	head, _ := m.child(m.root(), 2)
	id := m.long(head, 0)
	if m.number(head, 2, 1, 0) != 0 {
		return &Error{ReasonEncoding, "record", "is an Arrow stream with a dictionary in parts (a delta): want whole ones"}
	}
	data, ok := m.child(head, 1)
	for i := range s.dictionaries {
		d := &s.dictionaries[i]
		if d.id != id || !ok {
			continue
		}
		reader, err := m.batch(data)
		if err != nil {
			return err
		}
		if d.texts, err = reader.next(d.is, nil); err == nil && d.is.kind == utf8Text {
			err = d.texts.checkTexts(d.is)
		}
		d.came = true
		return err
	}
	return broken(fmt.Sprintf("its dictionary %d is of no column or cannot be read", id))
}

// readBatch takes rows.
func (s *stream) readBatch(m *message) error {
	data, _ := m.child(m.root(), 2)
	b, err := m.batch(data)
	if err != nil || b.rows == 0 {
		return err
	}
	if most := min(maxStreamRows, maxStreamCells/len(s.fields)); b.rows > most-s.rows || len(s.counts) == maxStreamBatches {
		return &Error{ReasonRows, "record", fmt.Sprintf("has more than %d rows of %d columns, or more than %d batches: send several records",
			most, len(s.fields), maxStreamBatches)}
	}
	for i := range s.fields {
		f, v := &s.fields[i], vector{}
		if v.values, err = b.next(f.is, f.name); err != nil {
			return err
		}
		switch {
		case f.dictionary >= 0:
			d := &s.dictionaries[f.dictionary]
			if v.texts = d.texts; !d.came || !v.within(f.is, d.texts.n) {
				err = columnBroken(f.name, "has an index that its dictionary does not have")
			}
		case f.is.kind == utf8Text:
			err = v.checkTexts(f.is)
		}
		if err != nil {
			return err
		}
		s.vectors = append(s.vectors, v)
	}
	s.counts = append(s.counts, b.rows)
	s.rows += b.rows
	return nil
}

func columnBroken(name []byte, detail string) error {
	return broken(fmt.Sprintf("column %q %s", shorten(name), detail))
}

// IDs are the event's and the inference's of a row, which may be empty. Only in Arrow's format rows have ids of their own.
func (r *Record) IDs(row int) (event, inference []byte) {
	s := r.stream
	if s == nil {
		return r.EventID, r.InferenceID
	}
	return s.id(s.eventID, row), s.id(s.inferenceID, row)
}

func (s *stream) id(place, row int) []byte {
	if place < 0 {
		return nil
	}
	for i, n := range s.counts {
		if row < n {
			v := &s.vectors[i*len(s.fields)+place]
			if !v.has(row) {
				return nil
			}
			return bytes.ToValidUTF8(v.text(s.fields[place].is.width, row), []byte("\uFFFD"))
		}
		row -= n
	}
	return nil
}
