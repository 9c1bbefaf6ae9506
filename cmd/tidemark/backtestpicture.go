package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"tidemark/windows"
)

// draw writes the picture of a backtest to a file.
func (r *backtestResult) draw(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = r.picture(file)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

const (
	laneHeight = 22
	laneBar    = 12
)

// picture draws a lane for each feature and rule that would have fired, with a bar for as long as it did, on a line of time.
func (r *backtestResult) picture(w io.Writer) error {
	lanes, labelWidth := r.lanes(), 0
	for _, l := range lanes {
		labelWidth = max(labelWidth, utf8.RuneCountInString(l.label)*letterWidth)
	}
	left, right := 24+labelWidth, pictureWidth-30
	const top = 66
	bottom := top + max(1, len(lanes))*laneHeight
	x := func(t windows.Time) float64 {
		return float64(left) + float64(t-r.From)/float64(max(1, r.To-r.From))*float64(right-left)
	}
	var svg, swept strings.Builder
	height := r.drawSweep(&swept, bottom+30) + 10
	title := fmt.Sprintf("%s in %s", alarms(r.Alarms), days(r.Days))
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">`+"\n", pictureWidth, height)
	fmt.Fprintf(&svg, "<title>%s</title>\n%s", escaped(title), pictureStyle)
	fmt.Fprintf(&svg, `<rect class="back" width="%d" height="%d"/>`+"\n", pictureWidth, height)
	fmt.Fprintf(&svg, `<text class="title" x="16" y="28">%s</text>`+"\n", escaped(title))
	fmt.Fprintf(&svg, `<text class="quiet" x="16" y="48">%d rows, %.3g alarms a day</text>`+"\n", r.Rows, r.AlarmsPerDay)
	for i, at := range timeTicks(r.From, r.To) {
		anchor := [...]string{"start", "middle", "end"}[i]
		fmt.Fprintf(&svg, `<line class="grid" x1="%.1f" x2="%.1[1]f" y1="%d" y2="%d"/>`+"\n", x(at), top-6, bottom)
		fmt.Fprintf(&svg, `<text class="quiet" x="%.1f" y="%d" text-anchor="%s">%s</text>`+"\n", x(at), bottom+18, anchor, at.Time().Format("2006-01-02 15:04"))
	}
	for i, l := range lanes {
		y := top + i*laneHeight
		fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-8, y+laneBar, escaped(l.label))
		for _, bar := range l.bars {
			fmt.Fprintf(&svg, `<rect class="current" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", x(bar[0]), y+2, max(1, x(bar[1])-x(bar[0])), laneBar)
		}
	}
	svg.WriteString(swept.String())
	svg.WriteString("</svg>\n")
	_, err := io.WriteString(w, svg.String())
	return err
}

// lane is a feature and a rule of a monitor, and when it would have been firing.
type lane struct {
	label string
	bars  [][2]windows.Time
}

// lanes are in the order of the table.
func (r *backtestResult) lanes() []lane {
	var lanes []lane
	for _, m := range r.Monitors {
		for _, by := range m.By {
			l := lane{label: shorten(printable(cmp.Or(by.Feature, m.Name)+" "+by.Rule), 32)}
			open := map[string]windows.Time{}
			for _, a := range r.Alerts {
				if a.Monitor != m.Name || a.Feature != by.Feature || a.Rule != by.Rule {
					continue
				}
				incident := a.Endpoint + "\x00" + a.Variant + "\x00" + a.Window
				if a.State == "firing" {
					open[incident] = a.At
				} else {
					l.bars = append(l.bars, [2]windows.Time{open[incident], a.At})
					delete(open, incident)
				}
			}
			for _, at := range open {
				l.bars = append(l.bars, [2]windows.Time{at, r.To})
			}
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// timeTicks are the ends and the middle of a time, to the minute.
func timeTicks(from, to windows.Time) [3]windows.Time {
	return [3]windows.Time{from, (from + (to-from)/2).Floor(time.Minute), to}
}
