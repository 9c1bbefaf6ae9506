package archive

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// How the values of a page are written, as https://parquet.apache.org/docs/file-format/data-pages/encodings has it.

// appendRuns appends numbers of width bits each in the hybrid of runs of one number and of packed bits.
func appendRuns(dst []byte, values []int32, width int) []byte {
	packed := 0
	for at := 0; at < len(values); {
		n := 1
		for at+n < len(values) && values[at+n] == values[at] {
			n++
		}
		if n < 8 {
			at = min(at+8, len(values))
			continue
		}
		dst = appendPacked(dst, values[packed:at], width)
		dst = appendRun(dst, values[at], n, width)
		at += n
		packed = at
	}
	return appendPacked(dst, values[packed:], width)
}

// appendRun appends a number that comes n times.
func appendRun(dst []byte, value int32, n, width int) []byte {
	dst = binary.AppendUvarint(dst, uint64(n)<<1)
	for b := 0; b < width; b += 8 {
		dst = append(dst, byte(value>>b))
	}
	return dst
}

// appendPacked appends a run of packed bits. Unless it is the last one, it is of eights.
func appendPacked(dst []byte, values []int32, width int) []byte {
	if len(values) == 0 {
		return dst
	}
	groups := (len(values) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	end := len(dst) + groups*width
	word, n := uint64(0), 0
	for _, v := range values {
		word |= uint64(uint32(v)) << n
		if n += width; n >= 32 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(word))
			word, n = word>>32, n-32
		}
	}
	return appendRest(dst, word, n, end)
}

// appendRest appends the n bits of a word that are left, and zeros up to end.
func appendRest(dst []byte, word uint64, n, end int) []byte {
	for ; n > 0; n -= 8 {
		dst, word = append(dst, byte(word)), word>>8
	}
	return append(dst, make([]byte, end-len(dst))...)
}

// A block of differences is of four parts, each with a width of its own.
const (
	deltaBlock = 128
	deltaPart  = 32
)

// appendDeltas appends integers by their differences (DELTA_BINARY_PACKED).
func appendDeltas[T int32 | int64](dst []byte, values []T) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaBlock/deltaPart)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	if len(values) == 0 {
		return binary.AppendVarint(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(values[0]))
	var deltas [deltaBlock]int64
	for at := 1; at < len(values); at += deltaBlock {
		n := min(deltaBlock, len(values)-at)
		least := int64(math.MaxInt64)
		for i := range n {
			deltas[i] = int64(values[at+i]) - int64(values[at+i-1])
			least = min(least, deltas[i])
		}
		dst = binary.AppendVarint(dst, least)
		widths := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		for part := 0; part*deltaPart < n; part++ {
			some := deltas[part*deltaPart : min(n, (part+1)*deltaPart)]
			all := uint64(0)
			for _, d := range some {
				all |= uint64(d - least)
			}
			width := bits.Len64(all)
			dst[widths+part] = byte(width)
			dst = appendPart(dst, some, least, width)
		}
	}
	return dst
}

// appendPart appends how far each of up to 32 differences is from the least, and zeros for those that are missing.
func appendPart(dst []byte, deltas []int64, least int64, width int) []byte {
	end := len(dst) + deltaPart*width/8
	word, n := uint64(0), 0
	for _, d := range deltas {
		above := uint64(d - least)
		word |= above << n
		if n += width; n >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, word)
			n -= 64
			word = above >> (width - n)
		}
	}
	return appendRest(dst, word, n, end)
}

// appendPlain appends numbers as they are (PLAIN).
func appendPlain(dst []byte, numbers []uint64) []byte {
	dst = slices.Grow(dst, 8*len(numbers))
	for _, x := range numbers {
		dst = binary.LittleEndian.AppendUint64(dst, x)
	}
	return dst
}

// appendSplit appends the first bytes of all numbers, then the second ones and so on (BYTE_STREAM_SPLIT).
func appendSplit(dst []byte, numbers []uint64) []byte {
	n, at := len(numbers), len(dst)
	dst = slices.Grow(dst, 8*n)[:at+8*n]
	var streams [8][]byte
	for k := range streams {
		streams[k] = dst[at+k*n : at+(k+1)*n : at+(k+1)*n]
	}
	i := 0
	for ; i+8 <= n; i += 8 {
		a, b, c, d, e, f, g, h := transposed((*[8]uint64)(numbers[i:]))
		binary.LittleEndian.PutUint64(streams[0][i:], a)
		binary.LittleEndian.PutUint64(streams[1][i:], b)
		binary.LittleEndian.PutUint64(streams[2][i:], c)
		binary.LittleEndian.PutUint64(streams[3][i:], d)
		binary.LittleEndian.PutUint64(streams[4][i:], e)
		binary.LittleEndian.PutUint64(streams[5][i:], f)
		binary.LittleEndian.PutUint64(streams[6][i:], g)
		binary.LittleEndian.PutUint64(streams[7][i:], h)
	}
	for ; i < n; i++ {
		for k := range streams {
			streams[k][i] = byte(numbers[i] >> (8 * k))
		}
	}
	return dst
}

// transposed is, of eight words of eight bytes, the first bytes of all, the second ones and so on. Quarters, then pairs, then
// single bytes change places (Warren, "Hacker's Delight", 7-3).
func transposed(w *[8]uint64) (a, b, c, d, e, f, g, h uint64) {
	const quarters, pairs, single = 0x0000_0000_ffff_ffff, 0x0000_ffff_0000_ffff, 0x00ff_00ff_00ff_00ff
	a, e = exchanged(w[0], w[4], 32, quarters)
	b, f = exchanged(w[1], w[5], 32, quarters)
	c, g = exchanged(w[2], w[6], 32, quarters)
	d, h = exchanged(w[3], w[7], 32, quarters)
	a, c = exchanged(a, c, 16, pairs)
	b, d = exchanged(b, d, 16, pairs)
	e, g = exchanged(e, g, 16, pairs)
	f, h = exchanged(f, h, 16, pairs)
	a, b = exchanged(a, b, 8, single)
	c, d = exchanged(c, d, 8, single)
	e, f = exchanged(e, f, 8, single)
	g, h = exchanged(g, h, 8, single)
	return a, b, c, d, e, f, g, h
}

func exchanged(x, y uint64, shift int, mask uint64) (changedX, changedY uint64) {
	t := (x>>shift ^ y) & mask
	return x ^ t<<shift, y ^ t
}
