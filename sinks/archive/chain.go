package archive

import "fmt"

// Chain is one writer's knowledge of one partition's chain of objects. It decides and does nothing: [Chain.Step] takes
// in what came of the last action and returns the next. Any number of writers may work on a chain at once, each with
// its own Chain: a START is only ever the head's or the END of an object that was seen, and of several puts of one
// START the store lets one succeed. So the objects line up without a gap or an overlap, whoever puts them.
//
// An action whose outcome is not known is carried out again, and the chain hears of it once: an object that is there
// already is told by its nonce to be one's own.
type Chain struct {
	id     ID
	writer string // no other Chain has it
	puts   int

	state   state
	hint    Hint
	head    Head
	last    *Info // the last object known
	start   int64 // START of the next
	pending Info  // being put
}

type state uint8

const (
	closed state = iota
	readingHead
	findingOrigin
	writingHead
	checkingHint
	listing
	lookingAtLast
	placing
	reading
	putting
	lookingAtWinner
)

// Do is a kind of action.
type Do uint8

// The actions and, behind each, the fields of the Event that is to follow.
const (
	ReadHead  Do = iota + 1 // Found, Head
	WriteHead               // the head, if there is none; no fields
	Look                    // at the object of Start: Found, Info
	List                    // the objects from Start on: Found, and Start of the last
	AskLog                  // Log
	Put                     // the object that Info describes, if there is none: Exists
	Read                    // records from Start on, dropping others; then Cut
	Stop                    // do not go on: Err
)

// Action is what is to be done next.
type Action struct {
	Do    Do
	Start int64

	Generation int32 // of a Look or a List

	Epoch int32 // of a Read: the leader's when what is before Start was written, or -1
	Head  Head
	Info  Info
	Err   error
}

// Event is what came of an action.
type Event struct {
	Found  bool
	Exists bool
	Start  int64
	Head   Head
	Info   Info
	Log    Bounds
}

// Bounds are the first offset in a log and its end.
type Bounds struct{ Start, End int64 }

// NewChain returns a chain that is not open. No other may have the same writer.
func NewChain(id ID, writer string) *Chain { return &Chain{id: id, writer: writer} }

// Open begins to look for the end of the chain.
func (c *Chain) Open(hint Hint) Action {
	*c = Chain{id: c.id, writer: c.writer, puts: c.puts, hint: hint, state: readingHead}
	return Action{Do: ReadHead}
}

// Cut ends the object that was being read, before the offset end.
func (c *Chain) Cut(end, rows int64, epoch int32) Action {
	if c.state != reading || end <= c.start {
		return c.stop(fmt.Errorf("cut at %d in state %d, with START %d", end, c.state, c.start))
	}
	return c.put(Info{End: end, Rows: rows, Epoch: epoch})
}

// Place looks again at how the log lies to the chain: after records that were to be read are no longer there.
func (c *Chain) Place() Action {
	c.state = placing
	return Action{Do: AskLog}
}

// Last is the last object known, if there is one.
func (c *Chain) Last() (i Info, ok bool) {
	if c.last == nil {
		return Info{}, false
	}
	return *c.last, true
}

// Step takes in what came of the last action.
func (c *Chain) Step(e Event) Action {
	switch c.state {
	case readingHead:
		if !e.Found {
			c.state = findingOrigin
			return Action{Do: AskLog}
		}
		c.head = e.Head
		if c.hint.Generation == c.head.Generation {
			c.state = checkingHint
			return c.look(c.hint.Start)
		}
		return c.list(c.head.Floor)
	case findingOrigin:
		c.state = writingHead
		return Action{Do: WriteHead, Head: Head{Version: version, Generation: 1, First: e.Log.Start, Floor: e.Log.Start}}
	case writingHead:
		c.state = readingHead // it may be another's
		return Action{Do: ReadHead}
	case checkingHint:
		if !e.Found || e.Info.End != c.hint.End {
			return c.list(c.head.Floor)
		}
		return c.seen(e.Info, c.hint.Start)
	case listing:
		if e.Found {
			c.state, c.start = lookingAtLast, e.Start
			return c.look(e.Start)
		}
		c.start = c.head.First
		if c.last != nil {
			c.start = c.last.End
		} else if c.head.Floor != c.head.First {
			return c.stop(fmt.Errorf("%s says that there are objects from START %d on, and there are none: run `tidemark archive verify`", c.id.headKey(), c.head.Floor))
		}
		return c.Place()
	case lookingAtLast:
		if !e.Found {
			return c.stop(fmt.Errorf("%s was listed and is not there: run `tidemark archive verify`", c.id.key(c.head.Generation, c.start)))
		}
		return c.seen(e.Info, c.start)
	case placing:
		return c.place(e.Log)
	case putting:
		if e.Exists {
			c.state = lookingAtWinner
			return c.look(c.start)
		}
		return c.done()
	case lookingAtWinner:
		switch {
		case !e.Found:
			c.state = putting
			return Action{Do: Put, Info: c.pending}
		case e.Info.Nonce == c.pending.Nonce:
			return c.done()
		}
		return c.seen(e.Info, c.start)
	}
	return c.stop(fmt.Errorf("an event in state %d: %+v", c.state, e))
}

// seen takes in an object of the chain and goes on to what is behind it.
func (c *Chain) seen(i Info, start int64) Action {
	if i.ID != c.id || i.Generation != c.head.Generation || i.Start != start || i.End <= i.Start {
		return c.stop(fmt.Errorf("%s is not of this chain, as its metadata say %s generation %d [%d, %d): run `tidemark archive verify`",
			c.id.key(c.head.Generation, start), i.name(), i.Generation, i.Start, i.End))
	}
	c.last = &i
	return c.list(i.End)
}

func (c *Chain) list(from int64) Action {
	c.state = listing
	return Action{Do: List, Generation: c.head.Generation, Start: from}
}

func (c *Chain) look(start int64) Action {
	return Action{Do: Look, Generation: c.head.Generation, Start: start}
}

// place compares the next START with what the log has.
func (c *Chain) place(log Bounds) Action {
	switch {
	case c.start > log.End:
		return c.stop(fmt.Errorf("the archive of %s ends at offset %d and the log at %d, so that it lost records that it had acknowledged: find out why, then set generation to %d and first and floor to %d in %s",
			c.id.name(), c.start, log.End, c.head.Generation+1, log.Start, c.id.headKey()))
	case c.start < log.Start:
		return c.put(Info{End: log.Start, Epoch: c.epoch(), Gap: true})
	}
	c.state = reading
	return Action{Do: Read, Start: c.start, Epoch: c.epoch()}
}

func (c *Chain) epoch() int32 {
	if c.last == nil {
		return -1
	}
	return c.last.Epoch
}

func (c *Chain) put(i Info) Action {
	c.puts++
	i.ID, i.Generation, i.Start, i.Nonce = c.id, c.head.Generation, c.start, fmt.Sprintf("%s-%d", c.writer, c.puts)
	c.pending, c.state = i, putting
	return Action{Do: Put, Info: i}
}

// done goes on behind the object that was put.
func (c *Chain) done() Action {
	put := c.pending
	c.last, c.start = &put, put.End
	if put.Gap {
		return c.Place()
	}
	c.state = reading
	return Action{Do: Read, Start: c.start, Epoch: c.epoch()}
}

func (c *Chain) stop(err error) Action {
	c.state = closed
	return Action{Do: Stop, Err: err}
}
