package baseline

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll returns the records, each with the line it begins on, and how they end.
func readAll(next func() (cells []string, line int, err error)) string {
	var all strings.Builder
	for {
		cells, line, err := next()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			fmt.Fprintf(&all, "%q %v %#v", cells, err, err)
			return all.String()
		}
		fmt.Fprintf(&all, "%d %q\n", line, cells)
	}
}

// asStandard is what encoding/csv makes of the content. Of the errors it gives only the wrong number of cells with cells.
func asStandard(content []byte) string {
	r := csv.NewReader(bytes.NewReader(content))
	return readAll(func() ([]string, int, error) {
		cells, err := r.Read()
		if err != nil {
			if !errors.Is(err, csv.ErrFieldCount) {
				cells = nil
			}
			return cells, 0, err
		}
		line, _ := r.FieldPos(0)
		return cells, line, nil
	})
}

func asOurs(content io.Reader) string {
	r := csvReader{r: content}
	return readAll(func() ([]string, int, error) {
		cells, err := r.read()
		var texts []string
		for _, cell := range cells {
			texts = append(texts, string(cell))
		}
		return texts, r.first, err
	})
}

// FuzzCSVReader compares the reader with encoding/csv, however the content comes.
func FuzzCSVReader(f *testing.F) {
	for _, content := range []string{
		"", "\n", "\r\n\r\n", "\r", "a", "a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\n1,2", "a,b\n\n\n1,2\r", "a,b\n1\n", "a,b\n1,2,3\n",
		",\n,\n", ",,,,,,,,,,\n,,,,,,,,,,", "a,b\nx\ry,z\r\r\n", "\xef\xbb\xbfa\n1", "ab,,cdefgh,\n1,2,3,\n",
		"a,b\n\"x,y\",\"z\"\n", "a\n\"x\ny\r\nz\"\n", "a\n\"say \"\"hi\"\"\"\n", "a,b\n\"\",\"\"\r\n", "a\n\"\n", "a\n\"x", "a\n\"x\r", "a\n\"x\n\r", "a\n\"x\n\n\n",
		"a\nx\"y\n", "a,b\nx,y\"\n", "a\n\"x\"y\n", "a,b\n1,\"x\"y\n", "a,b\n\"1\n\n2\",\"3\"x\n", "a,b\n\"1\n2\",3\"\n", "a\n\"\"\"", "a,b\n\"1\"\n", "a\n\"x\"\r", "a\n\"x\"\r\r\n",
		"\x00,\xff,\u00ac\n-,\x2d,\x2c\n", strings.Repeat("0123456,", 40) + "\n" + strings.Repeat(",", 40),
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		want := asStandard(content)
		for name, r := range map[string]io.Reader{
			"whole": bytes.NewReader(content), "by byte": iotest.OneByteReader(bytes.NewReader(content)),
			"with its end": iotest.DataErrReader(bytes.NewReader(content)),
		} {
			if got := asOurs(r); got != want {
				t.Errorf("%s: %q is\n%s\nand to encoding/csv\n%s", name, content, got, want)
			}
		}
	})
}

// Lines may be of any length, and end anywhere in what is read at a time.
func TestCSVReaderLongLines(t *testing.T) {
	var content bytes.Buffer
	for i := range 400 {
		cell := strings.Repeat(string(rune('a'+i%26)), i*i)
		if i%3 == 0 {
			cell = `"` + cell + "\n" + `"`
		}
		fmt.Fprintf(&content, "%d,%s\r\n", i, cell)
	}
	if asOurs(bytes.NewReader(content.Bytes())) != asStandard(content.Bytes()) {
		t.Error("differs from encoding/csv")
	}
}

// A file that cannot be read to its end is an error, not its end.
func TestCSVReaderFailure(t *testing.T) {
	broken := errors.New("disk on fire")
	r := csvReader{r: io.MultiReader(strings.NewReader("a,b\n1,2\n3,"), iotest.ErrReader(broken))}
	for _, want := range []string{"[a b]", "[1 2]"} {
		if cells, err := r.read(); err != nil || fmt.Sprintf("%s", cells) != want {
			t.Fatalf("%s, %v, want %s", cells, err, want)
		}
	}
	if cells, err := r.read(); !errors.Is(err, broken) {
		t.Errorf("%s, %v, want %v", cells, err, broken)
	}
}
