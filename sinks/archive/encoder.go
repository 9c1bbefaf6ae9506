package archive

import (
	"math"

	"github.com/klauspost/compress/zstd"
)

// Encoder makes files of tables, one after the other, and keeps its memory from one to the next. It is not for concurrent use.
type Encoder struct {
	codec Codec

	zstd         [2]*zstd.Encoder
	frames       frames
	page, packed []byte // of a column, and compressed
	scratch      []int32
	numbered     numbers
	worded       words
	texted       texts
	listed       entries
	read         spareMemory
}

// NewEncoder returns one that writes as the codec says.
func NewEncoder(codec Codec) *Encoder { return &Encoder{codec: codec} }

// compressor is how much is done to make a page small.
type compressor int

const (
	quick    compressor = iota
	thorough            // takes longer to look for what comes again
	single              // looks at single bytes alone: see frames
)

var zstdLevels = [2]zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault}

// compress returns the page as it is to be in the file. It holds until the next. At the cuts another kind of bytes begins.
func (e *Encoder) compress(page []byte, by compressor, cuts ...int) []byte {
	switch {
	case e.codec == plain:
		return page
	case by == single:
		e.packed = e.frames.append(e.packed[:0], page, cuts)
		return e.packed
	}
	if e.zstd[by] == nil {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevels[by]), zstd.WithEncoderConcurrency(1),
			zstd.WithAllLitEntropyCompression(true), zstd.WithZeroFrames(true))
		if err != nil {
			panic(err) // the options are constant
		}
		e.zstd[by] = z
	}
	e.packed = e.zstd[by].EncodeAll(page, e.packed[:0])
	return e.packed
}

// choose returns how texts are to be compressed: the quickest way that takes hardly more space than another. Of ids that are random
// there is nothing to look for, and to look for it takes several times as long.
func (e *Encoder) choose(data []byte) compressor {
	const sample, hardly = 64 << 10, 1.01
	data = data[:min(len(data), sample)]
	ways := []compressor{single, quick}
	if e.codec == Small {
		ways = append(ways, thorough)
	}
	best, least := single, math.MaxInt
	for _, by := range ways {
		if size := len(e.compress(data, by)); float64(size)*hardly < float64(least) {
			best, least = by, size
		}
	}
	return best
}
