package baseline

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"tidemark/capture"
	"tidemark/profile"
	"tidemark/windows"
)

// MinReferenceRows is how many rows a seasonal reference must have. With fewer, its own sampling error would look like
// drift: the expected PSI over ten cells is 9/n, so 0.045 here.
const MinReferenceRows = 200

// Seasonal is the rows of a baseline by the slots of a cycle, in the baseline's layout. The slots add up to its profile.
type Seasonal struct {
	Cycle Cycle
	slots [][]byte // encoded profiles: hundreds of decoded ones would take much memory
	rows  []int64
	joint bool
}

// CountsPairs says whether the slots have what columns do together.
func (s *Seasonal) CountsPairs() bool { return s.joint }

// Rows is the number of rows of each slot.
func (s *Seasonal) Rows() []int64 { return slices.Clone(s.rows) }

// Slot returns the profile of one slot.
func (s *Seasonal) Slot(layout *profile.Layout, slot int) (*profile.Profile, error) {
	p, err := profile.Decode(layout, s.slots[slot])
	if err != nil {
		return nil, fmt.Errorf("decode the rows of %s: %w", s.Cycle.Name(slot), err)
	}
	return p, nil
}

// Reference is what a window is compared with.
type Reference struct {
	Profile *profile.Profile
	Cycle   Cycle // of the slots that were taken; empty when it is the whole baseline
	Slots   int   // number of slots with rows that were taken
	Pooled  bool  // the window's own slots had too few rows, so similar ones were added
}

// Reference returns the rows of the baseline that a window is to be compared with: all of them, unless the baseline is
// seasonal and the window shorter than its cycle. Then it is the sum of the slots that the window covers. A slot that
// is covered less than the others counts by that share ([profile.Profile.MergeShare]); whole slots add up exactly.
//
// If these are fewer than [MinReferenceRows], each slot is replaced by ever more slots like it: for an hour of the week
// the same hour of the working days or of the weekend, then of all days; for an hour of the day the hours up to one, then
// three before and after; for a day the working days or the weekend; for a month the months up to one, then two
// before and after. If these do not suffice either, it is the whole baseline.
func (b *Baseline) Reference(w windows.Window) (Reference, error) {
	whole := Reference{Profile: b.Profile}
	if b.Seasonal == nil {
		return whole, nil
	}
	cover := b.Seasonal.Cycle.cover(w)
	if cover == nil {
		return whole, nil
	}
	for level, taken := 0, cover; taken != nil; level, taken = level+1, b.Seasonal.widen(cover, level) {
		if b.Seasonal.count(taken) < MinReferenceRows {
			continue
		}
		r := Reference{Profile: profile.New(b.Profile.Layout), Cycle: b.Seasonal.Cycle, Pooled: level > 0}
		for slot, share := range taken {
			if share == 0 || b.Seasonal.rows[slot] == 0 {
				continue
			}
			p, err := b.Seasonal.Slot(b.Profile.Layout, slot)
			if err != nil {
				return Reference{}, err
			}
			r.Profile.MergeShare(p, share)
			r.Slots++
		}
		return r, nil
	}
	return whole, nil
}

// widen gives each slot that is covered the share of its pool of that level, or returns nil when there is no such level.
func (s *Seasonal) widen(cover []float64, level int) []float64 {
	wider := make([]float64, len(cover))
	for slot, share := range cover {
		if share == 0 {
			continue
		}
		pools := s.Cycle.pools(slot)
		if level >= len(pools) {
			return nil
		}
		for _, alike := range pools[level] {
			wider[alike] = max(wider[alike], share)
		}
	}
	return wider
}

// count is the number of rows of the shares of the slots.
func (s *Seasonal) count(shares []float64) int64 {
	var n int64
	for slot, share := range shares {
		n += int64(math.Round(share * float64(s.rows[slot])))
	}
	return n
}

// AddSeasonal counts the rows of the files, which must be those that the baseline was built from, by the slots of a
// cycle. It needs one column with the role of the event time, and a time in each row ([capture.ParseTime]).
func (b *Baseline) AddSeasonal(paths []string, cycle Cycle) error {
	if err := cycle.Validate(); err != nil {
		return err
	}
	times := b.Schema.With(capture.EventTime)
	if len(times) != 1 {
		return fmt.Errorf("a seasonal baseline needs one column with the time of each row, and %d are named: name one with --time", len(times))
	}
	files, err := openAll(paths, b.headless())
	if err != nil {
		return err
	}
	c := newSlotCounter(b, cycle, times[0].Name)
	columns := append(watched(b.Schema), slices.Index(files[0].columns, times[0].Name))
	for _, f := range files {
		if err := f.rows(columns, c.add); err != nil {
			return err
		}
	}
	c.flush()
	return b.setSlots(cycle, c.slots)
}

// setSlots makes the slots the baseline's. They must add up to it.
func (b *Baseline) setSlots(cycle Cycle, slots []*profile.Profile) error {
	s := &Seasonal{Cycle: cycle}
	total := profile.New(b.Profile.Layout)
	for _, p := range slots {
		total.Merge(p)
		s.slots, s.rows = append(s.slots, p.Append(nil)), append(s.rows, p.Rows)
	}
	if err := sameCounts(b.Profile, total); err != nil {
		return fmt.Errorf("%w: build again when nothing writes to the files", err)
	}
	s.joint = total.Joint != nil
	b.Seasonal = s
	id, err := b.contentID()
	if err != nil {
		return err
	}
	b.ID = id
	return nil
}

// slotCounter counts rows into the slots that their times are in.
type slotCounter struct {
	cycle  Cycle
	column string // of the time
	slots  []*profile.Profile
	batch  *capture.Batch
	places [][]int32 // by slot, rows of the batch
}

func newSlotCounter(b *Baseline, cycle Cycle, column string) *slotCounter {
	c := &slotCounter{cycle: cycle, column: column, batch: capture.NewBatch(b.Schema), places: make([][]int32, cycle.Slots())}
	for range cycle.Slots() {
		p := profile.New(b.Profile.Layout)
		if b.Profile.Joint != nil {
			p.CountPairs()
		}
		c.slots = append(c.slots, p)
	}
	return c
}

// add counts a row: the cells of the watched columns and, last, the time.
func (c *slotCounter) add(cells [][]byte) error {
	last := len(cells) - 1
	ms, err := capture.ParseTime(string(cells[last]))
	if err != nil {
		return fmt.Errorf("column %q: %q is no time: %w", c.column, cells[last], err)
	}
	slot := c.cycle.Slot(windows.Time(ms))
	c.places[slot] = append(c.places[slot], int32(c.batch.Rows()))
	if err := c.batch.AppendCells(ms, capture.Input|capture.Output, cells[:last]); err != nil {
		return err
	}
	if c.batch.Rows() == defaultLimits.batchLen {
		c.flush()
	}
	return nil
}

func (c *slotCounter) flush() {
	for slot, rows := range c.places {
		if len(rows) > 0 {
			c.slots[slot].Observe(c.batch, rows)
			c.places[slot] = rows[:0]
		}
	}
	c.batch.Reset()
}

// slotsDocument is the slots in baseline.json: the encoded profiles of all slots, in order.
type slotsDocument struct {
	Cycle Cycle    `json:"cycle"`
	Slots [][]byte `json:"slots"`
}

func (s *Seasonal) document() *slotsDocument {
	if s == nil {
		return nil
	}
	return &slotsDocument{s.Cycle, s.slots}
}

// seasonal checks the slots against the baseline's profile, of which they are the parts.
func (d *slotsDocument) seasonal(whole *profile.Profile) (*Seasonal, error) {
	if d == nil {
		return nil, nil
	}
	if err := d.Cycle.Validate(); err != nil {
		return nil, err
	}
	if len(d.Slots) != d.Cycle.Slots() {
		return nil, fmt.Errorf("%d slots, but a cycle of %s has %d", len(d.Slots), d.Cycle, d.Cycle.Slots())
	}
	s := &Seasonal{Cycle: d.Cycle, slots: d.Slots}
	total := profile.New(whole.Layout)
	for slot := range d.Slots {
		p, err := s.Slot(whole.Layout, slot)
		if err != nil {
			return nil, err
		}
		if p.Rows > whole.Rows-total.Rows {
			return nil, fmt.Errorf("%s brings the rows to more than the baseline's %d", d.Cycle.Name(slot), whole.Rows)
		}
		checked := profile.New(whole.Layout)
		for i, c := range countsOf(p) {
			if err := c.restore(&checked.Features[i], p.Rows); err != nil {
				return nil, fmt.Errorf("%s: feature %q: %w", d.Cycle.Name(slot), c.Name, err)
			}
		}
		total.Merge(p)
		s.rows = append(s.rows, p.Rows)
	}
	s.joint = total.Joint != nil
	return s, sameCounts(whole, total)
}

var errSlots = errors.New("the slots do not add up to the whole baseline")

// sameCounts says where the sum of the slots differs from the whole. Sums of values are left out: they are rounded.
func sameCounts(whole, total *profile.Profile) error {
	if whole.Rows != total.Rows {
		return fmt.Errorf("%w: %d rows of %d", errSlots, total.Rows, whole.Rows)
	}
	for i := range whole.Features {
		w, t := &whole.Features[i], &total.Features[i]
		if w.Captured != t.Captured || w.Missing != t.Missing || w.Invalid != t.Invalid || w.NaN != t.NaN || w.Inf != t.Inf || w.Negative != t.Negative || w.Fractional != t.Fractional ||
			w.Moments.Count != t.Moments.Count || w.Moments.Min != t.Moments.Min || w.Moments.Max != t.Moments.Max ||
			!slices.Equal(w.Bins, t.Bins) || !slices.Equal(w.Offsets, t.Offsets) || !maps.Equal(w.New, t.New) || w.NewOther != t.NewOther {
			return fmt.Errorf("%w: feature %q", errSlots, w.Layout.Name)
		}
	}
	if t := total.Joint; t != nil { // slots may have been saved without
		w := whole.Joint
		if w == nil || !slices.Equal(w.Rows, t.Rows) || !slices.Equal(w.Agree, t.Agree) || !slices.EqualFunc(w.Projected, t.Projected, slices.Equal) {
			return fmt.Errorf("%w: pairs of columns", errSlots)
		}
	}
	return nil
}
