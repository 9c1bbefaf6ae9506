package profile

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEncodedProfileIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := New(layout()), New(layout())
		observe(t, a, rapid.SliceOfN(drawRow(), 0, 20).Draw(t, "rows")...)
		observe(t, b, rapid.SliceOfN(drawRow(), 0, 20).Draw(t, "more rows")...)
		prefix := []byte("before")
		encoded := a.Append(prefix)
		if !bytes.HasPrefix(encoded, prefix) {
			t.Fatalf("%q does not begin with what was there", encoded)
		}
		encoded = encoded[len(prefix):]
		decoded, err := Decode(layout(), encoded)
		if err != nil {
			t.Fatal(err)
		}
		if diff := diff(a, decoded); diff != "" {
			t.Fatalf("decoded (-want +got):\n%s", diff)
		}
		if again := decoded.Append(nil); !bytes.Equal(encoded, again) {
			t.Fatalf("encoded again: %x, was %x", again, encoded)
		}
		merged := New(layout())
		merged.Merge(b)
		if err := merged.MergeEncoded(encoded); err != nil {
			t.Fatal(err)
		}
		b.Merge(a)
		if diff := diff(b, merged); diff != "" {
			t.Fatalf("Merge (-), MergeEncoded (+):\n%s", diff)
		}
	})
}

// A profile that was written before numbers that are not whole were counted is read as if there were none.
func TestVersion3IsRead(t *testing.T) {
	numbers := &Layout{Features: []FeatureLayout{{Name: "x", Kind: "numeric"}}}
	p, err := Decode(numbers, []byte{3, 2, 0, 1 /* a feature */, 2, 1, 0, 0, 0 /* none negative */, 0, 1, 0, 1, 0 /* no moments */, 0, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if f := p.Features[0]; p.Rows != 2 || f.Captured != 2 || f.Missing != 1 || f.Fractional != 0 || f.Bins[0] != 1 {
		t.Errorf("read %+v", p)
	}
}

func TestEncodingIsSmallForFewRows(t *testing.T) {
	wide := &Layout{Features: make([]FeatureLayout, 25)}
	for i := range wide.Features {
		for edge := range Quantiles + 1 {
			wide.Features[i].Edges = append(wide.Features[i].Edges, float64(edge))
		}
	}
	p := New(wide)
	for i := range p.Features {
		p.Features[i].Captured, p.Features[i].Bins[200] = 1, 1
		p.Features[i].Moments.Add(199.5)
	}
	if got := len(p.Append(nil)); got > 25*64 {
		t.Errorf("a row of 25 features takes %d bytes, want at most 64 a feature", got)
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	encoded := manyRows(t).Append(nil)
	for n := range encoded {
		if _, err := Decode(layout(), encoded[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are read as a profile", n, len(encoded))
		}
	}
}

// manyRows has numbers that take several bytes each.
func manyRows(t rapid.TB) *Profile {
	p := profileOf(t, row{"15,tin,0.7,1", both}, row{"NaN,gold,x,", both}, row{"Inf,zinc,,7", both}, row{"-1,iron,3,0", both})
	for range 9 {
		p.Merge(p)
	}
	return p
}

func TestDecodeErrors(t *testing.T) {
	valid := profileOf(t, row{"15,tin,0.7,1", both}).Append(nil)
	other := layout()
	other.Features = other.Features[:3]
	narrow := layout()
	narrow.Features[0].Edges, narrow.Features[0].Ranks = nil, nil
	with := func(i int, b byte) []byte {
		changed := bytes.Clone(valid)
		changed[i] = b
		return changed
	}
	for name, test := range map[string]struct {
		layout  *Layout
		encoded []byte
		want    string
	}{
		"nothing":          {layout(), nil, "ends too early"},
		"a later version":  {layout(), with(0, 8), "version 8, this program reads versions 3 to 7"},
		"fewer features":   {other, valid, "4 features, its layout " + other.ID() + " has 3"},
		"fewer bins":       {narrow, valid, `feature "age": bin 1 of 1`},
		"bytes behind":     {layout(), append(bytes.Clone(valid), 0, 0), "followed by 2 bytes"},
		"an endless count": {layout(), with(1, 0xff), ""},
		"a number over 63 bits": {layout(), append([]byte{encodingVersion}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
			"ends too early"},
	} {
		if _, err := Decode(test.layout, test.encoded); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, test.want)
		}
	}
}

// FuzzMergeEncoded: any bytes are an error, or a profile that is written and read back the same.
func FuzzMergeEncoded(f *testing.F) {
	f.Add(New(layout()).Append(nil))
	f.Add(profileOf(f, row{"15,tin,0.7,1", both}).Append(nil))
	f.Add(manyRows(f).Append(nil))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Add([]byte{1, 1, 4, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		p, err := Decode(layout(), encoded)
		if err != nil {
			return
		}
		if hasOverflow(p) {
			return // the sum of two counts that are each allowed is not
		}
		back, err := Decode(layout(), p.Append(nil))
		if err != nil {
			t.Fatalf("what was read cannot be read back: %v", err)
		}
		if diff := diff(p, back); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

func hasOverflow(p *Profile) bool {
	for _, f := range p.Features {
		for _, n := range append([]int64{f.NewOther, f.NewRows()}, f.Bins...) {
			if n < 0 {
				return true
			}
		}
		for _, n := range f.New {
			if n < 0 {
				return true
			}
		}
		m := f.Moments
		for _, x := range []float64{m.Sum.High, m.Sum.Low, m.Squares.High, m.Squares.Low} {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return true // adding it to nothing changes it
			}
		}
	}
	return false
}
