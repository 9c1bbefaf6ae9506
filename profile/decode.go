package profile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var errShort = errors.New("profile ends too early")

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
	if version == withPairs || version == oldWithPairs {
		p.mergePairs(&r, rows)
	}
	if version == withPairs {
		p.mergeProjections(&r, rows)
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
	merge := f.mergeBins
	if version <= oldWithPairs {
		merge = f.mergeOldBins
	}
	first, last := merge(r)
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

// mergeOldBins adds the bins as versions before 6 have them, and says whether the first and the last of them are there.
func (f *Feature) mergeOldBins(r *reader) (first, last bool) {
	bin, end := int64(-1), int64(len(f.Bins))-1
	for filled := r.int(); filled > 0 && r.err == nil; filled-- {
		bin += r.int() + 1
		n := r.int()
		if bin < 0 || bin > end {
			r.fail(fmt.Errorf("feature %q: bin %d of %d", f.Layout.Name, bin, len(f.Bins)))
			return first, last
		}
		f.Bins[bin] += n
		if f.Offsets != nil {
			f.Offsets[bin] += r.int()
		}
		first, last = first || bin == 0, last || bin == end
	}
	return first, last
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
