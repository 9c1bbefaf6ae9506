package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tidemark/capture"
)

// csvColumns is where a CSV file has what a capture needs.
type csvColumns struct {
	input, output []int // nil input: all cells
	time, id      int   // -1: not there
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
func (c *csvColumns) capture(cells []string, id string, o captureReader) (replayed, error) {
	var at time.Time
	if cell, ok := cellAt(cells, c.time); ok {
		ms, err := capture.ParseTime(cell)
		if err != nil {
			return replayed{}, err
		}
		at = time.UnixMilli(ms)
	} else {
		at = o.now()
	}
	at = at.Add(o.shift)
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
