package archive

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/store"
)

// second is so many seconds after 1970: [fill] gives a record its offset as timestamp.
func second(n int64) time.Time { return time.Unix(n, 0).UTC() }

func expire(t *testing.T, a *Archive, before int64, dry bool) ([]Expiry, error) {
	t.Helper()
	return a.Expire(t.Context(), second(before), second(1_000_000), dry, func(string) {})
}

// goesOn opens the chain as writers do that know nothing, or what was committed at any time.
func goesOn(t *testing.T, a *Archive, keys []string, want int64) {
	t.Helper()
	hints := []Hint{{}}
	for _, key := range keys {
		_, generation, start, _ := parseKey(key)
		hints = append(hints, Hint{generation, start, start + 12})
	}
	for _, hint := range hints {
		c := NewChain(partition, "later")
		if action, _ := run(t, a, c, c.Open(hint), Bounds{100, 10000}); action.Do != Read || action.Start != want {
			t.Errorf("with %+v a writer does %+v, want it to read from %d", hint, action, want)
		}
	}
}

// Objects of which all records are old lose their rows, up to the first that has a younger one: here five of ten records each,
// from the offsets 100, 112, 124, 136 and 148 on.
func TestExpire(t *testing.T) {
	other := partition
	other.Partition = 4
	for _, c := range []struct {
		name         string
		before       int64
		objects      int64
		floor, other int64 // of the other partition, which has two
	}{
		{"nothing", 109, 0, 100, 0},
		{"the first", 110, 1, 112, 1},
		{"not one of which a record is young", 133, 2, 124, 2},
		{"three", 134, 3, 136, 2},
		{"all", 1000, 5, 148, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := New(store.NewDirectory(t.TempDir(), Metadata), DefaultConfig())
			keys := fill(t, a, partition, 5)
			fill(t, a, other, 2)
			before := verify(t, a)
			dry, err := expire(t, a, c.before, true)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, verify(t, a)); diff != "" {
				t.Errorf("a dry run changes (-before +after):\n%s", diff)
			}
			done, err := expire(t, a, c.before, false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(dry, done); diff != "" {
				t.Errorf("(-dry run +run):\n%s", diff)
			}
			report := verify(t, a)
			if len(report.Findings) > 0 {
				t.Errorf("verify finds %+v", report.Findings)
			}
			if got := report.Chains[0]; got.Rows != 50-10*c.objects || got.Expired != 10*c.objects || got.Start != 100 || got.End != 160 || got.Objects != 5 {
				t.Errorf("chain %+v", got)
			}
			if got := report.Chains[1]; got.Expired != 10*c.other {
				t.Errorf("the other chain %+v", got)
			}
			if c.objects > 0 {
				want := Expiry{ID: partition, Objects: c.objects, Rows: 10 * c.objects, Bytes: done[0].Bytes, Newest: second(100 + 12*(c.objects-1) + 9), Floor: c.floor}
				if diff := cmp.Diff(want, done[0]); diff != "" || want.Bytes <= 0 {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			goesOn(t, a, keys, 160)
			if again, err := expire(t, a, c.before, false); err != nil || len(again) > 0 {
				t.Errorf("a second run takes away %+v, %v", again, err)
			}
			if more := fill(t, a, partition, 1); more[0] != partition.key(1, 160) {
				t.Errorf("the chain goes on with %s", more[0])
			}
			if report := verify(t, a); len(report.Findings) > 0 || report.Chains[0].Rows != 60-10*c.objects {
				t.Errorf("verify finds %+v", report)
			}
		})
	}
}

// stubborn is a store that does not carry out some replacement, or has the object changed before.
type stubborn struct {
	store.Store
	replacements, refused int
	failure               error
}

func (s *stubborn) Replace(ctx context.Context, key string, content []byte, metadata map[string]string, etag string) error {
	if s.replacements++; s.replacements == s.refused {
		return s.failure
	}
	return s.Store.Replace(ctx, key, content, metadata, etag)
}

// An expiry that ends in between leaves a chain in order, and another goes on.
func TestExpireIsInterrupted(t *testing.T) {
	for refused := 1; refused <= 4; refused++ { // three objects and the head
		for _, failure := range []error{errors.New("the store is down"), store.ErrChanged} {
			s := &stubborn{Store: store.NewDirectory(t.TempDir(), Metadata), refused: refused, failure: failure}
			a := New(s, DefaultConfig())
			keys := fill(t, a, partition, 5)
			if _, err := expire(t, a, 134, false); !errors.Is(err, failure) {
				t.Fatalf("the error is %v, want %v", err, failure)
			}
			report := verify(t, a)
			if want := int64(10 * min(refused-1, 3)); len(report.Findings) > 0 || report.Chains[0].Expired != want {
				t.Errorf("after %d replacements: %+v, want %d rows expired", refused-1, report, want)
			}
			goesOn(t, a, keys, 160)
			if _, err := expire(t, a, 134, false); err != nil {
				t.Fatal(err)
			}
			if report = verify(t, a); len(report.Findings) > 0 || report.Chains[0].Expired != 30 {
				t.Errorf("after another run: %+v", report)
			}
		}
	}
}

// Rows before the floor are found: they came back, or the head was changed by hand.
func TestVerifyFindsRowsBeforeTheFloor(t *testing.T) {
	memory := store.NewDirectory(t.TempDir(), Metadata)
	a := New(memory, DefaultConfig())
	keys := fill(t, a, partition, 3)
	content, o, err := memory.Get(t.Context(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := expire(t, a, 130, false); err != nil {
		t.Fatal(err)
	}
	_, blank, err := memory.Get(t.Context(), keys[0])
	if err == nil {
		err = memory.Replace(t.Context(), keys[0], content, o.Metadata, blank.ETag)
	}
	if err != nil {
		t.Fatal(err)
	}
	if f := verify(t, a).Findings; len(f) != 1 || f[0].Kind != FindingHead || f[0].Key != keys[0] {
		t.Errorf("findings %+v", f)
	}
}
