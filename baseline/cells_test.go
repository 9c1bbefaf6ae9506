package baseline

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"
)

func readCells(t *testing.T, path, column string) ([]string, error) {
	t.Helper()
	var cells []string
	err := EachCell(path, column, func(cell []byte) error {
		cells = append(cells, string(cell))
		return nil
	})
	return cells, err
}

func TestEachCell(t *testing.T) {
	csv := filepath.Join(t.TempDir(), "data.csv")
	if err := os.WriteFile(csv, []byte("a,\"b, c\"\n1,2.50\n3,\n5,x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	parquet := writeParquet(t, []arrow.Field{field("a", arrow.BinaryTypes.String), field("b, c", arrow.PrimitiveTypes.Float64)},
		`[{"a": "x", "b, c": 2.5}, {"a": "y"}, {"a": "z", "b, c": 1e300}]`)
	for path, want := range map[string][]string{csv: {"2.50", "", "x"}, parquet: {"2.5", "", "1e+300"}} {
		got, err := readCells(t, path, "b, c")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}

	_, err := readCells(t, csv, "A")
	want := csv + `: no column "A": did you mean "a"? (the columns are a, b, c)`
	if !errors.Is(err, ErrNoColumn) || err.Error() != want {
		t.Errorf("column A: %v, want %s", err, want)
	}
	stop := errors.New("stop")
	rows := 0
	err = EachCell(csv, "a", func([]byte) error {
		rows++
		return stop
	})
	if !errors.Is(err, stop) || rows != 1 {
		t.Errorf("stopped with %v after %d rows", err, rows)
	}
}
