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
	"slices"
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

// captureReader is how the captures of files are read.
type captureReader struct {
	baseline *baseline.Baseline // what the columns mean; nil when it is not known
	shift    time.Duration      // that event times are moved by
	now      func() time.Time   // the event time of a capture that has none
}

// each reads a file's captures in order.
func (o captureReader) each(path string, each func(replayed) error) error {
	if strings.HasSuffix(path, ".parquet") {
		return o.eachParquet(path, each)
	}
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
		if o.baseline == nil {
			return errMeaning
		}
		return o.eachCSV(r, path, each)
	case strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".json"):
		return o.eachLine(r, each)
	}
	return usageError{errors.New("the name of the file must end in .csv, .parquet or .jsonl, or in .csv.gz or .jsonl.gz")}
}

var errMeaning = usageError{errors.New("--baseline is needed: it says what the columns of a CSV or Parquet file mean")}

// eachCSV makes a capture of each row. Rows that do not fit the baseline are published too: that is what a model
// server would do, and Tidemark says what is wrong with them.
func (o captureReader) eachCSV(r io.Reader, path string, each func(replayed) error) error {
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
			if columns, header, err = findColumns(cells, o.baseline.Schema); err != nil {
				return err
			}
			if header {
				continue
			}
		}
		c, err := columns.capture(cells, fmt.Sprintf("%s:%d", path, row), o)
		if err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		if err := each(c); err != nil {
			return err
		}
	}
}

// eachParquet makes a capture of each row, as eachCSV does. The file needs no column that is no feature.
func (o captureReader) eachParquet(path string, each func(replayed) error) error {
	if o.baseline == nil {
		return errMeaning
	}
	var columns *csvColumns
	choose := func(names []string) (places []int, err error) {
		var known []string
		for i, name := range names {
			if slices.ContainsFunc(o.baseline.Schema.Columns, func(c capture.Column) bool { return c.Name == name }) {
				known, places = append(known, name), append(places, i)
			}
		}
		if len(known) == 0 {
			return nil, errors.New("has no column of the baseline")
		}
		columns, _, err = findColumns(known, o.baseline.Schema)
		return places, err
	}
	row := 0
	var texts []string
	return baseline.EachRow(path, choose, func(cells [][]byte) error {
		row++
		texts = texts[:0]
		for _, cell := range cells {
			texts = append(texts, string(cell))
		}
		c, err := columns.capture(texts, fmt.Sprintf("%s:%d", path, row), o)
		if err != nil {
			return err
		}
		return each(c)
	})
}

// eachLine passes the lines on as they are; with a shift, their event times are moved.
func (o captureReader) eachLine(r io.Reader, each func(replayed) error) error {
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
			c.time = o.now()
		default:
			c.time = time.UnixMilli(record.Time).Add(o.shift)
			if o.shift != 0 {
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
		err := captureReader{baseline: b, now: time.Now}.each(file, func(c replayed) error {
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
