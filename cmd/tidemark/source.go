package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"tidemark/baseline"
	"tidemark/capture"
)

// replayed is a capture record read from a file, and its event time; a record that cannot be read has none.
type replayed struct {
	value []byte
	time  time.Time
}

// eachCapture reads a file's captures in order, with their event times moved by shift.
func eachCapture(path string, b *baseline.Baseline, shift time.Duration, each func(replayed) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	name := path
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return err
		}
		name = strings.TrimSuffix(name, ".gz")
	}
	switch {
	case strings.HasSuffix(name, ".csv"):
		if b == nil {
			return usageError{errors.New("--baseline is needed: it says what the columns of a CSV file mean")}
		}
		return eachCSV(r, path, b, shift, each)
	case strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".json"):
		return eachLine(r, shift, each)
	}
	return usageError{errors.New("the name of the file must end in .csv or .jsonl, or .csv.gz or .jsonl.gz")}
}

// csvColumns is where a CSV file has what a capture needs.
type csvColumns struct {
	input, output []int // nil input: all cells
	time, id      int   // -1: not there
}

// eachCSV makes a capture of each row. Rows that do not fit the baseline are published too: that is what a model
// server would do, and Tidemark says what is wrong with them.
func eachCSV(r io.Reader, path string, b *baseline.Baseline, shift time.Duration, each func(replayed) error) error {
	reader := csv.NewReader(r)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	var columns *csvColumns
	for row := 1; ; row++ {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if columns == nil {
			var header bool
			if columns, header, err = findColumns(cells, b.Schema); err != nil {
				return err
			}
			if header {
				continue
			}
		}
		c, err := columns.capture(cells, fmt.Sprintf("%s:%d", path, row), shift)
		if err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		if err := each(c); err != nil {
			return err
		}
	}
}

// findColumns reads the first row: it is a header when each cell names one of the schema's columns.
func findColumns(cells []string, schema capture.Schema) (*csvColumns, bool, error) {
	known := map[string]capture.Column{}
	for _, c := range schema.Columns {
		known[c.Name] = c
	}
	place := map[string]int{}
	for i, cell := range cells {
		name := strings.TrimPrefix(cell, "\ufeff")
		if _, ok := known[name]; !ok {
			if i > 0 && len(place) == i { // the cells before were names: a header with a column too many
				return nil, false, fmt.Errorf("column %q is not in the baseline: remove it from the file, or build the baseline with it", name)
			}
			return &csvColumns{time: -1, id: -1}, false, nil
		}
		place[name] = i
	}
	columns := &csvColumns{time: -1, id: -1, input: []int{}}
	for _, c := range schema.With(capture.Feature) {
		i, ok := place[c.Name]
		if !ok {
			return nil, false, fmt.Errorf("the header has no column %q, which the baseline has as a feature", c.Name)
		}
		columns.input = append(columns.input, i)
	}
	for _, c := range schema.With(capture.Prediction) {
		if i, ok := place[c.Name]; ok {
			columns.output = append(columns.output, i)
		}
	}
	for _, c := range schema.With(capture.EventTime) {
		if i, ok := place[c.Name]; ok {
			columns.time = i
		}
	}
	for _, c := range schema.With(capture.ID) {
		if i, ok := place[c.Name]; ok {
			columns.id = i
		}
	}
	return columns, true, nil
}

// capture makes a record in SageMaker's format of a row.
func (c *csvColumns) capture(cells []string, id string, shift time.Duration) (replayed, error) {
	at := time.Now()
	if cell, ok := cellAt(cells, c.time); ok {
		ms, err := capture.ParseTime(cell)
		if err != nil {
			return replayed{}, err
		}
		at = time.UnixMilli(ms)
	}
	at = at.Add(shift)
	if cell, ok := cellAt(cells, c.id); ok {
		id = cell
	}
	input := cells
	if c.input != nil {
		input = pick(cells, c.input)
	}
	data := map[string]side{"endpointInput": csvSide("INPUT", input)}
	if len(c.output) > 0 {
		data["endpointOutput"] = csvSide("OUTPUT", pick(cells, c.output))
	}
	value, err := json.Marshal(map[string]any{
		"captureData":   data,
		"eventMetadata": map[string]string{"eventId": id, "inferenceTime": at.UTC().Format("2006-01-02T15:04:05.000Z")},
		"eventVersion":  "0",
	})
	return replayed{value, at}, err
}

// side is one half of a capture in SageMaker's format.
type side struct {
	ContentType string `json:"observedContentType"`
	Mode        string `json:"mode"`
	Data        string `json:"data"`
	Encoding    string `json:"encoding"`
}

func csvSide(mode string, cells []string) side {
	var line strings.Builder
	w := csv.NewWriter(&line)
	_ = w.Write(cells) // to memory
	w.Flush()
	return side{"text/csv", mode, strings.TrimSuffix(line.String(), "\n"), "CSV"}
}

func cellAt(cells []string, i int) (string, bool) {
	if i < 0 || i >= len(cells) {
		return "", false
	}
	return cells[i], true
}

// pick returns the cells at the places; one that the row does not have ends it, so that its length tells.
func pick(cells []string, places []int) []string {
	picked := make([]string, 0, len(places))
	for _, i := range places {
		cell, ok := cellAt(cells, i)
		if !ok {
			break
		}
		picked = append(picked, cell)
	}
	return picked
}

// eachLine passes the lines on as they are; with a shift, their event times are moved.
func eachLine(r io.Reader, shift time.Duration, each func(replayed) error) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 64<<20)
	var parser capture.Parser
	for scanner.Scan() {
		line := scanner.Bytes()
		if len(strings.TrimSpace(string(line))) == 0 {
			continue
		}
		c := replayed{value: append([]byte(nil), line...)}
		switch record, err := parser.Parse(line); {
		case err != nil: // published as it is: Tidemark says what is wrong with it
		case !record.HasTime:
			c.time = time.Now()
		default:
			c.time = time.UnixMilli(record.Time).Add(shift)
			if shift != 0 {
				if c.value, err = moveTime(line, c.time); err != nil {
					return err
				}
			}
		}
		if err := each(c); err != nil {
			return err
		}
	}
	return scanner.Err()
}

// moveTime gives a record another event time.
func moveTime(record []byte, at time.Time) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(record, &fields); err != nil {
		return nil, err
	}
	text := json.RawMessage(strconv.Quote(at.UTC().Format("2006-01-02T15:04:05.000Z")))
	if _, flat := fields["time"]; flat {
		fields["time"] = text
		return json.Marshal(fields)
	}
	var metadata map[string]json.RawMessage
	if err := json.Unmarshal(fields["eventMetadata"], &metadata); err != nil {
		return nil, err
	}
	metadata["inferenceTime"] = text
	moved, err := json.Marshal(metadata)
	if err != nil {
		return nil, err
	}
	fields["eventMetadata"] = moved
	return json.Marshal(fields)
}

// shiftToNow is how far event times must be moved for the last of them, or the first, to be now.
func shiftToNow(files []string, b *baseline.Baseline, first bool) (time.Duration, error) {
	var mark time.Time
	for _, file := range files {
		err := eachCapture(file, b, 0, func(c replayed) error {
			if mark.IsZero() || !c.time.IsZero() && c.time.Before(mark) == first {
				mark = c.time
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", file, err)
		}
	}
	if mark.IsZero() {
		return 0, nil
	}
	return time.Since(mark), nil
}
