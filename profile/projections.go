package profile

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Projection is a way to sum up a row: how many of its inputs are on a side. A diffuse change, in which all columns begin to
// move together a little, is in no pair for long, but makes such a sum vary more at once. Its sum is from 0 to the number of
// columns; a value that is not there is on the lower, inner side.
type Projection struct {
	Columns []int // places
	Lower   uint  // a column counts when it is on its lower side if its place here has an odd number of these bits
	Outer   bool  // of being outside the middle half, and not of being above the median
}

const (
	// leastProjected is how many columns a sum is worth making of: pairs see what fewer do.
	leastProjected = 4
	// contrasts are the sums of sides in which half of the columns count when they are on the lower side, and the one in which none does.
	contrasts = 4
)

// Projections are those of the layout: the sums of upper sides, and the sum of outer ones, of the first columns of inputs that
// have them.
func (l *Layout) Projections() []Projection {
	if l.projections == nil {
		l.projections = l.findProjections()
	}
	return l.projections
}

func (l *Layout) findProjections() []Projection {
	projections := []Projection{}
	input := func(f *FeatureLayout) bool { return !f.Prediction }
	upper, outer := l.sided(false, input), l.sided(true, input)
	if len(upper) >= leastProjected {
		for lower := range uint(contrasts) {
			projections = append(projections, Projection{Columns: upper, Lower: lower})
		}
	}
	if len(outer) >= leastProjected {
		projections = append(projections, Projection{Columns: outer, Outer: true})
	}
	return projections
}

// newProjected are the counts of no rows, by projection and sum.
func (l *Layout) newProjected() [][]int64 {
	counts := make([][]int64, len(l.Projections()))
	for i, p := range l.Projections() {
		counts[i] = make([]int64, len(p.Columns)+1)
	}
	return counts
}

// spread has bit k of a byte in byte k.
var spread = func() (table [256]uint64) {
	for b := range table {
		for k := range 8 {
			table[b] |= uint64(b>>k&1) << (8 * k)
		}
	}
	return table
}()

// everyByte has 1 in each byte.
const everyByte = 0x0101010101010101

// project adds the sums of a block of up to 64 packed rows to the counts. Eight rows are added up at once, a byte each, the
// columns in four parts by the lowest bits of their place; a column that counts on its lower side adds 1 less its upper side.
func project(projections []Projection, counts [][]int64, packed []sides, there uint64, rows int) {
	var upper, outer [maxJoint]uint64
	uppers, outers := upper[:0], outer[:0]
	for _, p := range projections {
		for _, column := range p.Columns {
			switch s := &packed[column]; {
			case p.Outer:
				outers = append(outers, s.outer&s.valid)
			case p.Lower == 0:
				uppers = append(uppers, s.upper&s.valid)
			}
		}
	}
	for at := 0; at < rows; at += 8 {
		var parts [contrasts]uint64
		for k, side := range uppers {
			parts[k%contrasts] += spread[byte(side>>(at&63))]
		}
		extremes := uint64(0)
		for _, side := range outers {
			extremes += spread[byte(side>>(at&63))]
		}
		block := there >> at
		if rows-at < 8 {
			block &= 1<<(rows-at) - 1
		}
		for i := range projections {
			sum := extremes
			if p := &projections[i]; !p.Outer {
				sum = p.add(&parts)
			}
			countBytes(counts[i], sum, byte(block))
		}
	}
}

// add adds up what the columns of the four parts count.
func (p *Projection) add(parts *[contrasts]uint64) uint64 {
	sum := uint64(0)
	for part, x := range parts {
		if p.lower(part) {
			x = everyByte*uint64((len(p.Columns)-part+contrasts-1)/contrasts) - x
		}
		sum += x
	}
	return sum
}

// countBytes counts those of the eight bytes whose bit is set.
func countBytes(count []int64, bytes uint64, these byte) {
	if these == 0xff {
		for range 8 {
			count[byte(bytes)]++
			bytes >>= 8
		}
		return
	}
	for ; these != 0; these >>= 1 {
		count[byte(bytes)] += int64(these & 1)
		bytes >>= 8
	}
}

// lower says whether the column at a place counts when it is on the lower side.
func (p *Projection) lower(place int) bool {
	return bits.OnesCount(uint(place)&p.Lower)&1 == 1
}

// appendProjected writes the projections: how many, and for each the rows of each sum.
func (j *Joint) appendProjected(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(j.Projected)))
	for _, counts := range j.Projected {
		for _, n := range counts {
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	return b
}

// mergeProjections adds the projections of a profile of so many rows.
func (p *Profile) mergeProjections(r *reader, rows int64) {
	projections := p.Layout.Projections()
	if n := r.int(); r.err == nil && n != int64(len(projections)) {
		r.fail(fmt.Errorf("profile has %d projections, its layout %s has %d", n, p.Layout.ID(), len(projections)))
	}
	for i := range projections {
		left := rows
		for sum := range p.Joint.Projected[i] {
			n := r.int()
			if left -= n; r.err == nil && left < 0 {
				r.fail(fmt.Errorf("projection %d has more than %d rows", i, rows))
			}
			if r.err != nil {
				return
			}
			p.Joint.Projected[i][sum] += n
		}
	}
}
