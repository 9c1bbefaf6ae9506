package profile

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

const (
	manyEmpty = 15 // and more empty bins before one do not fit the byte of it
	mostSmall = 15 // is the largest count that does
)

// small says whether a bin's count and offset fit into its byte and the two or three that follow.
func small(n, offset int64) bool {
	return n == 1 && uint64(offset) < 1<<16 || n > 1 && n <= mostSmall && uint64(offset) < 1<<24
}

// appendBins writes the bins that are not empty.
func (f *Feature) appendBins(b []byte) []byte {
	var few [256]int32
	filled := f.filled(few[:])
	b = binary.AppendUvarint(b, uint64(len(filled)))
	b = slices.Grow(b, 5*len(filled))
	before := int32(-1)
	for _, bin := range filled {
		n, empty := f.Bins[bin], bin-before-1
		if !small(n, f.offset(bin)) {
			n = 0
		}
		b = append(b, byte(min(empty, manyEmpty))<<4|byte(n))
		before = bin
	}
	before = -1
	for _, bin := range filled {
		n, offset, empty := f.Bins[bin], f.offset(bin), bin-before-1
		before = bin
		if empty >= manyEmpty {
			b = binary.AppendUvarint(b, uint64(empty-manyEmpty))
		}
		switch fits := small(n, offset); {
		case fits && f.Offsets == nil:
		case fits:
			b = binary.LittleEndian.AppendUint32(b, uint32(offset))
			b = b[:len(b)-2+int(third(n))]
		case f.Offsets == nil:
			b = binary.AppendUvarint(b, uint64(n))
		default:
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(n)), uint64(offset))
		}
	}
	return b
}

// filled returns the bins that are not empty, in memory that the caller has for as many as are usual.
func (f *Feature) filled(memory []int32) []int32 {
	if len(f.Bins) > len(memory) {
		memory = make([]int32, len(f.Bins))
	}
	k := 0
	for bin, n := range f.Bins {
		memory[k] = int32(bin)
		k += int(uint64(-n) >> 63) // 1 when there are some: a processor cannot predict a branch on it
	}
	return memory[:k]
}

// third is 1 when the offset of a small count has three bytes, and 0 when it has two.
func third(n int64) uint32 { return uint32(n+14) >> 4 }

// offset is that of a bin, 0 of categories.
func (f *Feature) offset(bin int32) int64 {
	if f.Offsets == nil {
		return 0
	}
	return f.Offsets[bin]
}

// mergeBins adds the bins that appendBins wrote, and says whether the first and the last of them are there. Most of the time of
// merging is spent here: as long as four bytes are left, the small ones are read without a branch on what they hold.
func (f *Feature) mergeBins(r *reader) (first, last bool) {
	heads := r.take(r.int())
	bins, offsets := f.Bins, f.Offsets
	b, at, bin := r.b, 0, -1
	for i, head := range heads {
		empty, n, offset := int(head>>4), int64(head&15), int64(0)
		switch {
		case empty < manyEmpty && n > 0 && offsets == nil:
		case empty < manyEmpty && n > 0 && at+4 <= len(b):
			offset = int64(binary.LittleEndian.Uint32(b[at:]) & (0xffff | third(n)*0xff0000))
			at += int(2 + third(n))
		case empty < manyEmpty && n == 0 && offsets != nil && at+2*binary.MaxVarintLen64 <= len(b):
			ok := true
			n, at, ok = uvarint(b, at, ok)
			offset, at, ok = uvarint(b, at, ok)
			if !ok {
				r.fail(errShort)
				return first, last
			}
		default:
			r.b = b[at:]
			if empty == manyEmpty {
				empty += int(min(r.int(), int64(len(bins))))
			}
			n, offset = f.large(r, n)
			b, at = r.b, 0
			if r.err != nil {
				return first, last
			}
		}
		if bin += empty + 1; bin >= len(bins) {
			r.fail(fmt.Errorf("feature %q: bin %d of %d", f.Layout.Name, bin, len(bins)))
			return first, last
		}
		first = first || i == 0 && bin == 0
		bins[bin] += n
		if offsets != nil {
			offsets[bin] += offset
		}
	}
	r.b = b[at:]
	return first, bin == len(bins)-1
}

// large reads the count, when the byte of a bin has none, and the offset, whatever their sizes.
func (f *Feature) large(r *reader, n int64) (count, offset int64) {
	switch {
	case n == 0 && f.Offsets == nil:
		return r.int(), 0
	case n == 0:
		count = r.int()
		return count, r.int()
	case f.Offsets == nil:
		return n, 0
	case n == 1:
		if b := r.take(2); b != nil {
			offset = int64(binary.LittleEndian.Uint16(b))
		}
	default:
		if b := r.take(3); b != nil {
			offset = int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16
		}
	}
	return n, offset
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
