package profile

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// Wire format, version 6, or 7 with pairs of columns at the end. Integers are unsigned varints, floats 8 bytes little-endian. Only
// bins that are not empty are written, so that a profile of few rows is small, and so that it is merged in few steps:
//
//	version rows extra features { captured missing invalid nan inf, numeric: negative fractional
//	  non-empty bins, a byte for each: the empty ones before it and its count, { what that leaves out }
//	  moments count [ sum squares min max [ under ] [ over ] ]  new other, new names { length name count } }
//	version 7: pairs { the profile's rows less the pair's, agree }  projections { by sum: rows }
//
// The byte has the empty bins before it in its high half, 15 when they are 15 or more, and the count in its low half, 0 when it
// is none of 1 to 15. What it leaves out is the empty bins less 15, the count, and, of a number, the offset: in 2 bytes of a
// count of 1 and in 3 of one up to 15, little-endian. An offset that does not fit there is written as that of a larger count.
//
// Under and over are there when the first and the last bin are not empty.
//
// Versions 4 and 5, which are read too, have { gap count, numeric: offset } for each bin and no projections, and version 3 is without fractional: a
// profile of it has no such value.
const (
	encodingVersion = 6
	withPairs       = 7
	oldestEncoding  = 3
	oldWithPairs    = 5
)

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
		b = p.Joint.appendProjected(p.Joint.append(b, p.Rows))
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
	b = f.appendBins(b)
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
	if len(f.New) == 0 {
		return b
	}
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
