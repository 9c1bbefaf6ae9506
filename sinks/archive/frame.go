package archive

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/huff0"
)

// frames writes frames of zstd (RFC 8878) without matches: their blocks are stored, or one byte that is repeated, or
// Huffman-coded. In the bytes of split numbers nothing comes again, and to look for it is most of what zstd takes. Each frame has
// a checksum, as the compressor's have. Its zero value is ready; it is not for concurrent use.
type frames struct{ huffman huff0.Scratch }

// maxBlock is how many bytes a block may have.
const maxBlock = 128 << 10

// The types of a block.
const (
	storedBlock = iota
	repeatedBlock
	codedBlock
)

// append appends a frame of content, of which no block goes over one of the cuts, which rise.
func (f *frames) append(dst, content []byte, cuts []int) []byte {
	const magic, described = 0xfd2fb528, 0b10_1_0_0_1_00 // a size of four bytes, a single segment, a checksum
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	dst = binary.LittleEndian.AppendUint32(append(dst, described), uint32(len(content)))
	last, at := len(dst), 0
	for at < len(content) {
		for len(cuts) > 0 && cuts[0] <= at {
			cuts = cuts[1:]
		}
		end := min(len(content), at+maxBlock)
		if len(cuts) > 0 {
			end = min(end, cuts[0])
		}
		last = len(dst)
		dst, at = f.block(dst, content[at:end]), end
	}
	if len(content) == 0 {
		dst = appendHeader(dst, storedBlock, 0)
	}
	dst[last] |= 1
	return binary.LittleEndian.AppendUint32(dst, uint32(xxhash.Sum64(content)))
}

// block appends a block.
func (f *frames) block(dst, part []byte) []byte {
	switch {
	case repeated(part):
		return append(appendHeader(dst, repeatedBlock, len(part)), part[0])
	case uneven(part):
		const literals, fourStreams, noSequences = 2, 3 << 2, 0
		f.huffman.Reuse, f.huffman.WantLogLess = huff0.ReusePolicyNone, 5
		coded, _, err := huff0.Compress4X(part, &f.huffman)
		if err != nil {
			break // nothing is gained
		}
		dst = appendHeader(dst, codedBlock, 5+len(coded)+1)
		sizes := literals | fourStreams | uint64(len(part))<<4 | uint64(len(coded))<<22
		dst = append(binary.LittleEndian.AppendUint32(dst, uint32(sizes)), byte(sizes>>32))
		return append(append(dst, coded...), noSequences)
	}
	return append(appendHeader(dst, storedBlock, len(part)), part...)
}

func appendHeader(dst []byte, is, size int) []byte {
	h := is<<1 | size<<3
	return append(dst, byte(h), byte(h>>8), byte(h>>16))
}

func repeated(part []byte) bool {
	for _, b := range part {
		if b != part[0] {
			return false
		}
	}
	return true
}

// uneven says whether some bytes are so much more frequent than others that a Huffman code is likely to save something. The sum
// of the squares of the counts of n random bytes is about n + n²/256.
func uneven(part []byte) bool {
	const sample, least = 2048, 512
	if len(part) < least {
		return false
	}
	var counts [256]uint16
	n, step := 0, max(1, len(part)/sample)
	for i := 0; i < len(part); i += step {
		counts[part[i]]++
		n++
	}
	squares := 0
	for _, c := range counts {
		squares += int(c) * int(c)
	}
	return squares-n > n*n/256*5/4
}
