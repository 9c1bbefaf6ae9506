package budget

import (
	"encoding/binary"
	"errors"
	"math"
)

// A state takes 200 to 400 bytes for a number. Wealth is the upper three bytes of a float64: rounded down, by 1/4096 at most, it keeps
// the range and the promise; under a thousandth it is 0, and takes no place, since the next stake is 1. What was learned is in whole
// steps, and the measure of dependence float32. All is rounded so in memory too, after every pane: a state that was stored goes
// on to the same bits.

const (
	least       = 1e-3 // wealth that is kept
	wealthShift = 40   // low bits that are not
)

// residualSteps is, by half-life, the number of steps of a share of 1: two bytes with the sign, and three.
var residualSteps = [len(halfLives)]float64{1 << 14, 1 << 22}

// round gives the state the precision that it is stored in.
func (s *State) round() {
	for j, m := range s.wealth {
		if m < least {
			s.wealth[j] = 0
			continue
		}
		s.wealth[j] = math.Float64frombits(math.Float64bits(m) &^ (1<<wealthShift - 1))
	}
	for i := range s.residual {
		half := 3 << 51 / residualSteps[i] // adding and taking it rounds to a step
		for g, r := range s.residual[i] {
			s.residual[i][g] = (r + half) - half
		}
	}
	for _, x := range s.live.floats() {
		*x = float64(float32(*x))
	}
}

// floats are the numbers of the measure, in the order in which they are stored.
func (l *live) floats() [13]*float64 {
	return [...]*float64{
		&l.pane.rows, &l.pane.mean[0], &l.pane.mean[1], &l.pane.kappa[0], &l.pane.kappa[1],
		&l.block.rows, &l.block.mean[0], &l.block.mean[1], &l.block.kappa[0], &l.block.kappa[1],
		&l.rows, &l.sum[0], &l.sum[1],
	}
}

// Append writes the state behind b:
//
//	wealth { a bit for each bet that has some; 3 bytes for each of these }  residual { 2 or 3 bytes for each group, by half-life }
//	live { 4 bytes each, then seen seen panes }  ages { bets that are winning }  panes, if over 0: moved { groups }  patience, if firing: quiet wealth { 8 bytes }
//
// Whole numbers are unsigned varints, the rest is little-endian. The patience is 0 when the alarm is not firing.
func (s *State) Append(b []byte) []byte {
	mask := len(b)
	b = append(b, make([]byte, (len(s.wealth)+7)/8)...)
	for j, m := range s.wealth {
		if m > 0 {
			b[mask+j/8] |= 1 << (j % 8)
			bits := math.Float64bits(m) >> wealthShift
			b = append(b, byte(bits), byte(bits>>8), byte(bits>>16))
		}
	}
	for i := range s.residual {
		for _, r := range s.residual[i] {
			steps := int32(r * residualSteps[i])
			if b = append(b, byte(steps), byte(steps>>8)); i > 0 {
				b = append(b, byte(steps>>16))
			}
		}
	}
	for _, x := range s.live.floats() {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(*x)))
	}
	for _, n := range []int{s.live.pane.seen, s.live.block.seen, s.live.panes} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, age := range s.age {
		if age > 0 {
			b = binary.AppendUvarint(b, uint64(age))
		}
	}
	b = binary.AppendUvarint(b, uint64(s.panes))
	if s.panes > 0 {
		for _, n := range s.moved {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	b = binary.AppendUvarint(b, uint64(s.alarm.patience))
	if s.alarm.firing {
		b = binary.AppendUvarint(b, uint64(s.alarm.quiet))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(s.alarm.wealth))
	}
	return b
}

var errState = errors.New("the state of a budget's bets is damaged")

// Decode reads a state of this table's bets that Append wrote, and returns what follows it.
func (t *Table) Decode(b []byte) (*State, []byte, error) {
	s, r := t.NewState(), &reader{b: b}
	mask := r.take((len(s.wealth) + 7) / 8)
	for j := range s.wealth {
		if mask != nil && mask[j/8]>>(j%8)&1 == 1 {
			var bits [4]byte
			copy(bits[:], r.take(3))
			s.wealth[j] = math.Float64frombits(uint64(binary.LittleEndian.Uint32(bits[:])) << wealthShift)
			r.check(s.wealth[j] >= least/2 && s.wealth[j] <= mostWealth)
		}
	}
	for i := range s.residual {
		for g := range s.residual[i] {
			var steps [4]byte
			copy(steps[2-i:], r.take(2+i))
			n := int32(binary.LittleEndian.Uint32(steps[:])) >> (8 * (2 - i))
			s.residual[i][g] = float64(n) / residualSteps[i]
		}
	}
	for _, x := range s.live.floats() {
		*x = float64(math.Float32frombits(r.uint32()))
		r.check(math.Abs(*x) < math.MaxFloat32)
	}
	s.live.pane.seen, s.live.block.seen, s.live.panes = r.int(memory), r.int(memory), r.int(block-1)
	for j, m := range s.wealth {
		if m >= winning {
			s.age[j] = r.int(math.MaxUint32)
			r.check(s.age[j] > 0)
		}
	}
	if s.panes = r.int(math.MaxUint32); s.panes > 0 {
		for g := range s.moved {
			s.moved[g] = float64(r.int(math.MaxUint32))
		}
	}
	if s.alarm.patience = r.int(patienceTimes * math.MaxUint32); s.alarm.patience > 0 {
		s.alarm.firing, s.alarm.quiet = true, r.int(s.alarm.patience)
		if wealth := r.take(8); wealth != nil {
			s.alarm.wealth = math.Float64frombits(binary.LittleEndian.Uint64(wealth))
			r.check(s.alarm.wealth >= 0 && s.alarm.wealth <= mostWealth)
		}
	}
	if r.damaged {
		return nil, nil, errState
	}
	t.sum(s)
	return s, r.b, nil
}

// reader takes values from the front of a slice until the first that is not there or not possible.
type reader struct {
	b       []byte
	damaged bool
}

func (r *reader) check(possible bool) { r.damaged = r.damaged || !possible }

func (r *reader) take(n int) []byte {
	if r.check(n <= len(r.b)); r.damaged {
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// int is a whole number from 0 to most.
func (r *reader) int(most int) int {
	x, n := binary.Uvarint(r.b)
	if r.check(n > 0 && x <= uint64(most)); r.damaged {
		return 0
	}
	r.b = r.b[n:]
	return int(x)
}
