package main

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/profile"
)

// baseline builds the baseline, from the workload's training data or the given one, and returns the edges of 20 bins
// of each number: the value at k twentieths of the sorted ones. Where the baseline cuts at a neighbouring value, it is
// made to cut there, so that the bins can be compared exactly.
func (o *options) baseline() (*baseline.Baseline, map[string][]float64, error) {
	training := o.training
	if training == "" {
		training = filepath.Join(o.dir, "training.csv")
		if err := o.work.writeTraining(training); err != nil {
			return nil, nil, err
		}
	}
	b, err := baseline.Build([]string{training}, baseline.Roles{Predictions: []string{"score"}}, time.Now())
	if err != nil {
		return nil, nil, err
	}
	data, err := b.Open([]string{training})
	if err != nil {
		return nil, nil, err
	}
	values, err := data.Values()
	if err != nil {
		return nil, nil, err
	}
	edges := map[string][]float64{}
	layout := profile.Layout{Features: slices.Clone(b.Layout.Features)}
	for i := range layout.Features {
		f, sorted := &layout.Features[i], values[i].Numbers
		if f.Kind != capture.Numeric {
			continue
		}
		f.Edges = slices.Clone(f.Edges)
		for k, cut := range f.Cells(bins) {
			edge := sorted[len(sorted)*(k+1)/bins]
			edges[f.Name], f.Edges[cut-1] = append(edges[f.Name], edge), edge
			for i := cut; i < len(f.Edges) && f.Edges[i] <= f.Edges[i-1]; i++ { // it may be the next one, or after it
				f.Edges[i] = math.Nextafter(f.Edges[i-1], math.Inf(1))
			}
			for i := cut - 1; i > 0 && f.Edges[i-1] >= f.Edges[i]; i-- {
				f.Edges[i-1] = math.Nextafter(f.Edges[i], math.Inf(-1))
			}
		}
	}
	b.Layout = layout
	b.Profile = profile.New(&b.Layout)
	if b.Profile, err = data.Profile(); err != nil {
		return nil, nil, err
	}
	return b, edges, b.Save(filepath.Join(o.dir, "baseline"))
}

func (w *workload) writeTraining(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	out := csv.NewWriter(f)
	err = out.Write(w.names())
	w.trainingRows(func(r *row) {
		var line []string
		for i, x := range r.numbers {
			cell := ""
			if !r.empty[i] {
				cell = strconv.FormatFloat(x, 'f', 4, 64)
			}
			line = append(line, cell)
		}
		for i, k := range r.category {
			line = append(line, categories[i].values[k])
		}
		if failed := out.Write(append(line, strconv.FormatFloat(r.score, 'f', 6, 64))); err == nil {
			err = failed
		}
	})
	out.Flush()
	for _, failed := range []error{out.Error(), f.Close()} {
		if err == nil {
			err = failed
		}
	}
	return err
}
