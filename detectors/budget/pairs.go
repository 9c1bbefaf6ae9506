package budget

import (
	"encoding/binary"
	"math"
)

// Pair is the bets on how often two columns of a record are on the same side, against one reference: that they agree more
// often, or less often. It is a feature of two cells with little state, since pairs are many.
type Pair struct {
	p               float64 // share of the reference's records that agree
	rows            float64 // of the reference, in independent ones
	active          [pairBets]bool
	inside, outside [pairBets]float64 // logarithms, of a record that agrees and of one that does not
}

// The parts of a budget that pairs have together, where there are some, and sums over columns.
const (
	PairShare       = 0.17
	ProjectionShare = 0.03
)

// pairSizes are the sizes of the alternatives, up and then down.
var pairSizes = [...]float64{0.05, 0.15, 0.35}

const pairBets = 2 * len(pairSizes)

// NewPair makes the bets against a reference of so many records, so many of which agree.
func NewPair(agree, rows float64, s Settings) *Pair {
	t := &Pair{p: (agree + 0.5) / (rows + 1), rows: rows / s.Dependence}
	e := s.Z*math.Sqrt(t.p*(1-t.p)/t.rows) + s.Z*s.Z/(3*t.rows)
	for j := range t.active {
		size := pairSizes[j%len(pairSizes)]
		edge := t.p + s.MinEffect + e
		other := edge + (1-edge)*size
		if j >= len(pairSizes) {
			edge = t.p - s.MinEffect - e
			other = edge * (1 - size)
		}
		if t.active[j] = edge > 0 && edge < 1; t.active[j] {
			t.inside[j], t.outside[j] = math.Log(other/edge), math.Log((1-other)/(1-edge))
		}
	}
	return t
}

// PairState is the wealth of the bets on a pair.
type PairState struct {
	wealth      [pairBets]float64
	age         [pairBets]int     // in panes, since the bet began to win; 0 while it does not
	rows, agree [pairBets]float64 // since then
	alarm       alarm
}

// Wealth is the mean of the bets'.
func (s *PairState) Wealth() float64 {
	total := 0.0
	for _, m := range s.wealth {
		total += m
	}
	return total / float64(pairBets)
}

// Firing says whether the alarm is on.
func (s *PairState) Firing() bool { return s.alarm.firing }

// Resume takes up an alarm that was on when the state was lost.
func (s *PairState) Resume() { s.alarm = alarm{firing: true, patience: leastPatience} }

// Add takes in a pane: its records with a value in both columns, how many of these agree, how many records are worth an
// independent one, and how many panes ago the last one was that had records.
func (t *Pair) Add(s *PairState, agree, rows, dependence float64, elapsed int) {
	if rows == 0 {
		return
	}
	for j, m := range s.wealth {
		if !t.active[j] {
			continue
		}
		gain := (agree*t.inside[j] + (rows-agree)*t.outside[j]) / dependence
		if m = min((1+m)*exp(min(max(gain, -mostGain), mostGain)), mostWealth); m < least {
			m = 0
		}
		s.wealth[j] = math.Float64frombits(math.Float64bits(m) &^ math.MaxUint32)
		if s.wealth[j] < winning {
			s.age[j], s.rows[j], s.agree[j] = 0, 0, 0
			continue
		}
		since := elapsed
		if s.age[j] == 0 {
			since = 1
		}
		s.age[j] = min(s.age[j]+since, math.MaxUint32)
		s.rows[j], s.agree[j] = min(s.rows[j]+rows, math.MaxUint32), min(s.agree[j]+agree, math.MaxUint32)
	}
}

// PairFinding is what the bets say of a pair.
type PairFinding struct {
	Wealth    float64
	Panes     int     // since the leading bet began to win, the present one included; 0 when it does not
	Records   float64 // since then, with a value in both columns
	Agree     float64 // the share of these that agree
	Reference float64 // the share of the reference's that agree
	Effect    float64 // by how much the shares differ at least
}

// Find says what the bets have found so far.
func (t *Pair) Find(s *PairState) PairFinding {
	leader := 0
	for j, m := range s.wealth {
		if m > s.wealth[leader] {
			leader = j
		}
	}
	f := PairFinding{Wealth: s.Wealth(), Panes: s.age[leader], Records: s.rows[leader], Reference: t.p, Agree: t.p}
	if f.Records > 0 {
		f.Agree = s.agree[leader] / f.Records
		f.Effect = max(math.Abs(f.Agree-t.p)-math.Sqrt(t.p*(1-t.p)*(1/f.Records+1/t.rows)), 0)
	}
	return f
}

// Step is [Table.Step] for a pair.
func (t *Pair) Step(s *PairState, elapsed int, limit float64) (Transition, PairFinding) {
	wealth, a := s.Wealth(), &s.alarm
	switch {
	case !a.firing && wealth >= limit:
		found := t.Find(s)
		*s = PairState{alarm: alarm{firing: true, patience: max(leastPatience, patienceTimes*max(found.Panes, 1))}}
		return Fired, found
	case a.firing && wealth >= math.Sqrt(limit):
		*s = PairState{alarm: alarm{firing: true, patience: a.patience}}
	case a.firing && a.wait(elapsed):
		found := t.Find(s)
		*a = alarm{}
		return Resolved, found
	}
	return None, PairFinding{}
}

// Append writes the state behind b: a bit for each bet with wealth, 4 bytes for each of these, and for those that are winning
// the age, the records and those that agree; the patience and, if it is firing, the quiet panes. See [State.Append].
func (s *PairState) Append(b []byte) []byte {
	mask := len(b)
	b = append(b, 0)
	for j, m := range s.wealth {
		if m > 0 {
			b[mask] |= 1 << j
			b = binary.LittleEndian.AppendUint32(b, uint32(math.Float64bits(m)>>32))
		}
		if m >= winning {
			b = binary.AppendUvarint(b, uint64(s.age[j]))
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(s.rows[j])), uint64(s.agree[j]))
		}
	}
	b = binary.AppendUvarint(b, uint64(s.alarm.patience))
	if s.alarm.firing {
		b = binary.AppendUvarint(b, uint64(s.alarm.quiet))
	}
	return b
}

// DecodePair reads a state that [PairState.Append] wrote, and returns what follows it.
func DecodePair(b []byte) (*PairState, []byte, error) {
	s, r := &PairState{}, &reader{b: b}
	mask := r.take(1)
	for j := range s.wealth {
		if mask != nil && mask[0]>>j&1 == 1 {
			s.wealth[j] = math.Float64frombits(uint64(r.uint32()) << 32)
			r.check(s.wealth[j] > 0 && s.wealth[j] <= mostWealth)
		}
		if s.wealth[j] >= winning {
			s.age[j] = r.int(math.MaxUint32)
			s.rows[j], s.agree[j] = float64(r.int(math.MaxUint32)), float64(r.int(math.MaxUint32))
			r.check(s.age[j] > 0 && s.agree[j] <= s.rows[j])
		}
	}
	r.check(mask == nil || mask[0]>>pairBets == 0)
	if s.alarm.patience = r.int(patienceTimes * math.MaxUint32); s.alarm.patience > 0 {
		s.alarm.firing, s.alarm.quiet = true, r.int(s.alarm.patience)
	}
	if r.damaged {
		return nil, nil, errState
	}
	return s, r.b, nil
}
