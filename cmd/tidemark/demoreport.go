package main

import (
	"encoding/json"
	"fmt"

	"tidemark/monitor"
)

func (d *demo) report(value []byte) error {
	var r monitor.Report
	if err := json.Unmarshal(value, &r); err != nil {
		return fmt.Errorf("decode report: %w", err)
	}
	worst, score := "", -1.0
	for _, f := range r.Features {
		if psi, ok := f.Scores["psi"]; ok && psi.Score > score {
			worst, score = f.Name, psi.Score
		}
	}
	_, err := fmt.Fprintf(d.out, "%s  window of %s  %5d rows  largest PSI %.3f (%s)\n",
		r.Window.End.Time().Format("15:04:05"), r.Window.Size, r.Rows, score, worst)
	return err
}

// alert prints an alert and says whether it is one that began.
func (d *demo) alert(a *monitor.Alert) bool {
	mark := "RESOLVED"
	if a.State == "firing" {
		mark = "ALERT   "
		d.seen++
		if known, ok := d.largest[a.Feature]; !ok || a.Score > known.Score {
			d.largest[a.Feature] = *a
		}
	}
	fmt.Fprintf(d.out, "%s  %s  %s\n", a.Window.End.Time().Format("15:04:05"), mark, a.Message)
	return a.State == "firing"
}

// end sums the run up, with the most drifted feature's histogram beside the baseline's.
func (d *demo) end(over bool) error {
	fmt.Fprintln(d.out)
	if d.seen == 0 {
		fmt.Fprintln(d.out, "No alert.")
		if d.exitOnAlert && over {
			return fmt.Errorf("no alert within %v", d.limit)
		}
		return nil
	}
	var worst monitor.Alert
	for _, a := range d.largest {
		if a.Score > worst.Score {
			worst = a
		}
	}
	width, color := terminal(d.out, 100)
	title := fmt.Sprintf("%s: baseline beside the records from %s to %s", worst.Feature, worst.Since.Time().Format("15:04:05"), worst.Window.End.Time().Format("15:04:05"))
	if err := histogramChart(d.out, title, worst.Histogram, width, color); err != nil {
		return err
	}
	_, err := fmt.Fprintf(d.out, "\n%d alerts, on %d features.\n", d.seen, len(d.largest))
	return err
}
