package profile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Wire format, version 4, or 5 with pairs of columns at the end. Integers are unsigned varints, floats 8 bytes little-endian. Bins are written as pairs
// of gap and count, so that a profile of few rows is small:
//
//	version rows extra features { captured missing invalid nan inf, numeric: negative fractional
//	  non-empty bins { gap count, numeric: offset }
//	  moments count [ sum squares min max [ under ] [ over ] ]  new other, new names { length name count } }
//	version 5: pairs { the profile's rows less the pair's, agree }
//
// Under and over are there when the first and the last bin are not empty.
//
// Version 3, which is read too, is without fractional: a profile of it has no such value.
const (
	encodingVersion = 4
	withPairs       = 5
	oldestEncoding  = 3
)

var errShort = errors.New("profile ends too early")

// Append writes the profile behind b.
func (p *Profile) Append(b []byte) []byte {
	version := byte(encodingVersion)
	if p.Joint != nil {
		version = withPairs
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(p.Rows))
	b = binary.AppendUvarint(b, uint64(p.Extra))
	b = binary.AppendUvarint(b, uint64(len(p.Features)))
	for i := range p.Features {
		b = p.Features[i].append(b)
	}
	if p.Joint != nil {
		b = p.Joint.append(b, p.Rows)
	}
	return b
}

func (f *Feature) append(b []byte) []byte {
	for _, n := range []int64{f.Captured, f.Missing, f.Invalid, f.NaN, f.Inf} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	if f.Offsets != nil {
		b = binary.AppendUvarint(b, uint64(f.Negative))
		b = binary.AppendUvarint(b, uint64(f.Fractional))
	}
	filled := 0
	for _, n := range f.Bins {
		if n > 0 {
			filled++
		}
	}
	b = binary.AppendUvarint(b, uint64(filled))
	gap := uint64(0)
	for i, n := range f.Bins {
		if n == 0 {
			gap++
			continue
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, gap), uint64(n))
		if f.Offsets != nil {
			b = binary.AppendUvarint(b, uint64(f.Offsets[i]))
		}
		gap = 0
	}
	m := f.Moments
	b = binary.AppendUvarint(b, uint64(m.Count))
	if m.Count > 0 {
		b = appendFloats(b, m.Sum.High, m.Sum.Low, m.Squares.High, m.Squares.Low, m.Min, m.Max)
		if f.Bins[0] > 0 {
			b = appendFloats(b, f.Under.High, f.Under.Low)
		}
		if f.Bins[len(f.Bins)-1] > 0 {
			b = appendFloats(b, f.Over.High, f.Over.Low)
		}
	}
	b = binary.AppendUvarint(b, uint64(f.NewOther))
	b = binary.AppendUvarint(b, uint64(len(f.New)))
	for _, name := range slices.Sorted(maps.Keys(f.New)) {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendUvarint(b, uint64(f.New[name]))
	}
	return b
}

func appendFloats(b []byte, floats ...float64) []byte {
	for _, x := range floats {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}

// Decode reads a profile of the given layout.
func Decode(layout *Layout, b []byte) (*Profile, error) {
	p := New(layout)
	if err := p.MergeEncoded(b); err != nil {
		return nil, err
	}
	return p, nil
}

// MergeEncoded adds the rows of a profile that Append wrote, which must have the same layout. After an error the
// profile must not be used any more.
func (p *Profile) MergeEncoded(b []byte) error {
	r := reader{b: b}
	version := r.byte()
	if r.err == nil && (version < oldestEncoding || version > withPairs) {
		return fmt.Errorf("profile has version %d, this program reads versions %d to %d", version, oldestEncoding, withPairs)
	}
	rows := r.int()
	p.Rows += rows
	p.Extra += r.int()
	if n := r.int(); r.err == nil && n != int64(len(p.Features)) {
		return fmt.Errorf("profile has %d features, its layout %s has %d", n, p.Layout.ID(), len(p.Features))
	}
	for i := range p.Features {
		p.Features[i].mergeEncoded(&r, version)
	}
	if version == withPairs {
		p.mergePairs(&r, rows)
	}
	if r.err == nil && len(r.b) > 0 {
		return fmt.Errorf("profile is followed by %d bytes that do not belong to it", len(r.b))
	}
	return r.err
}

func (f *Feature) mergeEncoded(r *reader, version byte) {
	for _, n := range []*int64{&f.Captured, &f.Missing, &f.Invalid, &f.NaN, &f.Inf} {
		*n += r.int()
	}
	if f.Offsets != nil {
		f.Negative += r.int()
		if version > 3 {
			f.Fractional += r.int()
		}
	}
	first, last := f.mergeBins(r)
	if r.err != nil {
		return
	}
	m := Moments{Center: f.Layout.Center, Count: r.int()}
	if m.Count > 0 {
		for _, x := range []*float64{&m.Sum.High, &m.Sum.Low, &m.Squares.High, &m.Squares.Low, &m.Min, &m.Max} {
			*x = r.float()
		}
		if first {
			f.Under.merge(r.sum())
		}
		if last {
			f.Over.merge(r.sum())
		}
	}
	f.Moments.Merge(m)
	f.NewOther += r.int()
	for names := r.int(); names > 0 && r.err == nil; names-- {
		f.addNew(string(r.take(r.int())), r.int())
	}
}

// mergeBins adds the bins, and says whether the first and the last of them are there. Most of the time of merging is spent here:
// while enough bytes are left that no integer can reach beyond them, they are read without looking at each.
func (f *Feature) mergeBins(r *reader) (first, last bool) {
	bins, offsets := f.Bins, f.Offsets
	bin, end := int64(-1), int64(len(bins))-1
	for filled := r.int(); filled > 0 && r.err == nil; filled-- {
		var gap, n, offset int64
		if b := r.b; len(b) >= 3*binary.MaxVarintLen64 && r.err == nil {
			at, ok := 0, true
			gap, at, ok = uvarint(b, at, ok)
			n, at, ok = uvarint(b, at, ok)
			if offsets != nil {
				offset, at, ok = uvarint(b, at, ok)
			}
			r.b = b[at:]
			if !ok {
				r.fail(errShort)
			}
		} else {
			gap, n = r.int(), r.int()
			if offsets != nil {
				offset = r.int()
			}
		}
		if bin += gap + 1; bin < 0 || bin > end {
			r.fail(fmt.Errorf("feature %q: bin %d of %d", f.Layout.Name, bin, len(bins)))
			return first, last
		}
		bins[bin] += n
		if offsets != nil {
			offsets[bin] += offset
		}
		first, last = first || bin == 0, last || bin == end
	}
	return first, last
}

// uvarint reads an integer of up to four bytes, or else whatever it is; ok is false when it is none.
func uvarint(b []byte, at int, ok bool) (v int64, next int, fine bool) {
	_ = b[at+3]
	x := int64(b[at])
	if x < 0x80 {
		return x, at + 1, ok
	}
	y := int64(b[at+1])
	if y < 0x80 {
		return x&0x7f | y<<7, at + 2, ok
	}
	z := int64(b[at+2])
	if z < 0x80 {
		return x&0x7f | y&0x7f<<7 | z<<14, at + 3, ok
	}
	long, n := binary.Uvarint(b[at:])
	if n <= 0 || long > math.MaxInt64 {
		return 0, at, false
	}
	return int64(long), at + n, ok
}

// mergePairs adds the pairs of a profile of so many rows.
func (p *Profile) mergePairs(r *reader, rows int64) {
	p.CountPairs()
	if n := r.int(); r.err == nil && n != int64(len(p.Layout.Pairs())) {
		r.fail(fmt.Errorf("profile has %d pairs, its layout %s has %d", n, p.Layout.ID(), len(p.Layout.Pairs())))
	}
	for i := range p.Layout.Pairs() {
		n := rows - r.int()
		agree := r.int()
		if r.err == nil && (n < 0 || agree > n) {
			r.fail(fmt.Errorf("pair %d agrees in %d of %d rows", i, agree, n))
		}
		if r.err != nil {
			return
		}
		p.Joint.Rows[i] += n
		p.Joint.Agree[i] += agree
	}
}

// reader takes values from the front of a slice until the first error.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) int() int64 {
	if b := r.b; len(b) > 0 && b[0] < 0x80 && r.err == nil {
		r.b = b[1:]
		return int64(b[0])
	}
	return r.long()
}

func (r *reader) long() int64 {
	v, n := binary.Uvarint(r.b)
	if r.err != nil || n <= 0 || v > math.MaxInt64 {
		r.fail(errShort)
		return 0
	}
	r.b = r.b[n:]
	return int64(v)
}

func (r *reader) take(n int64) []byte {
	if r.err != nil || n < 0 || n > int64(len(r.b)) {
		r.fail(errShort)
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) sum() Sum {
	high := r.float()
	return Sum{High: high, Low: r.float()}
}

func (r *reader) float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}
