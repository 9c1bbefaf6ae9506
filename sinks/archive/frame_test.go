package archive

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

// Whatever is in a frame, zstd reads it, and finds what was changed.
func TestFrames(t *testing.T) {
	reader, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var f frames
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var content []byte
		var cuts []int
		for range rapid.IntRange(0, 5).Draw(t, "parts") {
			cuts = append(cuts, len(content))
			values := rapid.SampledFrom([]int{1, 2, 3, 17, 200, 256}).Draw(t, "values")
			for range rapid.SampledFrom([]int{0, 1, 511, 512, 4097, maxBlock, 3*maxBlock + 5}).Draw(t, "bytes") {
				content = append(content, byte(min(random.IntN(values), random.IntN(values))))
			}
		}
		frame := f.append([]byte("before"), content, cuts)[len("before"):]
		back, err := reader.DecodeAll(frame, nil)
		if err != nil || !bytes.Equal(back, content) {
			t.Fatalf("%d bytes came back as %d: %v", len(content), len(back), err)
		}
		damaged := slices.Clone(frame)
		damaged[len("magicsize")+random.IntN(len(frame)-len("magicsize"))] ^= 1 << random.IntN(8)
		if back, err := reader.DecodeAll(damaged, nil); err == nil && !bytes.Equal(back, content) {
			t.Fatal("a change was not found")
		}
	})
}

// Bytes are coded where that saves something, and left as they are where it does not.
func TestFramesAreSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var even, skewed, same []byte
	for range 100_000 {
		even = append(even, byte(random.IntN(256)))
		skewed = append(skewed, byte(min(random.IntN(4), random.IntN(4), random.IntN(4))))
		same = append(same, 7)
	}
	var f frames
	for _, c := range []struct {
		content     []byte
		least, most int
	}{
		{even, 100_000, 100_020},
		{skewed, 19_300, 19_600}, // 1.55 bits each
		{same, 14, 20},
	} {
		if n := len(f.append(nil, c.content, nil)); n < c.least || n > c.most {
			t.Errorf("%d bytes, want from %d to %d", n, c.least, c.most)
		}
	}
}
