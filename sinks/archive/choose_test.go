package archive

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// Ids in which nothing comes again are compressed by their single bytes; texts in which something does are not.
func TestChoose(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var ids []byte
	for range 2000 {
		ids = fmt.Appendf(ids, "%016x%016x", random.Uint64(), random.Uint64())
	}
	again := bytes.Repeat([]byte("https://shop.example/cart?item=1&"), 2000)
	for _, codec := range []Codec{Fast, Small} {
		e := NewEncoder(codec)
		if by := e.choose(ids); by != single {
			t.Errorf("%s: random ids are compressed the way %d", codec, by)
		}
		if by := e.choose(again); by == single {
			t.Errorf("%s: texts that come again are compressed by single bytes", codec)
		}
	}
}
