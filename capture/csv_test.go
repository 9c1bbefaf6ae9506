package capture

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCSVRows(t *testing.T) {
	in := func(data string) string { return sageMaker(asCSV(data), side{}) }
	row := `i- 1 "x" - -`
	runRows(t, []rowsCase{
		{"plain", people, in("1,x"), row, 0},
		{"final newline", people, in("1,x\n"), row, 0},
		{"CRLF", people, in("1,x\r\n2,y\r\n"), row + "\n" + `i- 2 "y" - -`, 0},
		{"CR at the end", people, in("1,x\r"), row, 0},
		{"blank lines", people, in("\n\r\n1,x\n\n\n2,y\n\n"), row + "\n" + `i- 2 "y" - -`, 0},
		{"quotes", people, in(`"1","x"` + "\r\n" + `"2","y"`), row + "\n" + `i- 2 "y" - -`, 0},
		{"comma, quote and newlines in quotes", people, in("1,\"a,\"\"b\"\"\nc\r\nd\"\n2,\"\"\"\""), "i- 1 \"a,\\\"b\\\"\\nc\\r\\nd\" - -\ni- 2 \"\\\"\" - -", 0},
		{"quote inside a cell", people, in(`1,5" x`), `i- 1 "5\" x" - -`, 0},
		{"empty cells", people, in(",\n,"), "i- - - - -\ni- - - - -", 0},
		{"empty quotes", people, in(`"",""`), "i- - - - -", 0},
		{"spaces", people, in(" 1 , x "), `i- 1 " x " - -`, 0},
		{"too few", people, in("1"), "columns", 0},
		{"too many", people, in("1,x,2"), "columns", 0},
		{"too many by an empty cell", people, in("1,x,"), "columns", 0},
		{"second row too short", people, in("1,x\n2"), "columns", 0},
		{"an empty quoted cell is a row", numeric("a", ""), in("\"\"\n\n1"), "i- -\ni- 1", 0},
	})
}

// The cells are those of encoding/csv, written by it.
func TestCSVLikeStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringOf(rapid.SampledFrom([]rune("ab1 ,\"\n.é")))
		width := rapid.IntRange(1, 4).Draw(t, "width")
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 1, 5).Draw(t, "rows")
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.UseCRLF = false
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		want, err := csv.NewReader(bytes.NewReader(text.Bytes())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for c := (&cells{rest: text.Bytes()}); c.more(); {
			var row []string
			for last := false; !last; {
				var cell []byte
				var fault string
				if cell, last, fault = c.next(); fault != "" {
					t.Fatalf("%q: want %s", text.String(), fault)
				}
				row = append(row, string(cell))
			}
			got = append(got, row)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", text.String(), diff)
		}
	})
}
