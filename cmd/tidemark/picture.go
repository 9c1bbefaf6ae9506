package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"tidemark/detectors"
)

// writePictures writes a picture of each column to the directory, which is made when it is not there. The files are
// named after the columns. A column without a value on either side has none.
func writePictures(directory string, result *scoreResult) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	taken := make(map[string]bool)
	for _, f := range result.Features {
		histogram := detectors.Compare(f.profiles[0], f.profiles[1])
		if len(histogram.Reference) == 0 {
			continue
		}
		subtitle := fmt.Sprintf("%d reference values, %d current values", f.profiles[0].Present(), f.profiles[1].Present())
		file, err := os.Create(filepath.Join(directory, pictureName(f.Name, taken)))
		if err != nil {
			return err
		}
		err = picture(file, f.Name, chartTitle(f), subtitle, histogram)
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name(), err)
		}
	}
	return nil
}

// pictureName is the name of a column's file: what may trouble a file system is an underscore, and a name that is taken
// already, in capitals or not, gets a number.
func pictureName(column string, taken map[string]bool) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, shorten(column, 100))
	name := safe
	for n := 2; taken[strings.ToLower(name)]; n++ {
		name = fmt.Sprintf("%s-%d", safe, n)
	}
	taken[strings.ToLower(name)] = true
	return name + ".svg"
}

// The measures of a picture in pixels.
const (
	pictureWidth = 720
	pictureTop   = 92 // title, subtitle and legend
	pictureFoot  = 52 // the axis of shares
	cellHeight   = 34
	barHeight    = 13
	letterWidth  = 7 // of the labels, about
)

const pictureStyle = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#24292f}
.title{font-size:16px;font-weight:600}
.quiet{fill:#57606a}
.share{font-size:11px}
.back{fill:#fff}
.grid{stroke:#c9d1d9}
.axis{stroke:#6e7781}
.reference{fill:#3b6fd4}
.current{fill:#e07b1a}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.quiet{fill:#9da7b3}
.back{fill:#0d1117}
.grid{stroke:#2d333b}
.axis{stroke:#8b949e}
.reference{fill:#6ea0ff}
.current{fill:#f5a35b}
}
</style>
`

// picture draws h as an SVG that needs nothing else: for each cell a bar of the reference's share and one of the
// current share, all on one scale, for light and dark pages.
func picture(w io.Writer, column, title, subtitle string, h detectors.Histogram) error {
	labels, err := cellLabels(h)
	if err != nil {
		return fmt.Errorf("draw the histogram of %s: %w", column, err)
	}
	labelWidth := 0
	for _, label := range labels {
		labelWidth = max(labelWidth, utf8.RuneCountInString(label)*letterWidth)
	}
	left, right := 40+labelWidth, pictureWidth-60
	bottom := pictureTop + len(labels)*cellHeight
	step, last := shareTicks(max(slices.Max(h.Reference), slices.Max(h.Current)))
	x := func(share float64) float64 { return float64(left) + share/last*float64(right-left) }

	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %d" role="img">`+"\n", pictureWidth, bottom+pictureFoot, bottom+pictureFoot)
	fmt.Fprintf(&svg, "<title>%s</title>\n%s", escaped(title), pictureStyle)
	fmt.Fprintf(&svg, `<rect class="back" width="%d" height="%d"/>`+"\n", pictureWidth, bottom+pictureFoot)
	fmt.Fprintf(&svg, `<text class="title" x="16" y="28">%s</text>`+"\n", escaped(shorten(printable(title), 80)))
	fmt.Fprintf(&svg, `<text class="quiet" x="16" y="48">%s</text>`+"\n", escaped(subtitle))
	for i, side := range []string{"reference", "current"} {
		fmt.Fprintf(&svg, `<rect class="%s" x="%d" y="62" width="12" height="12"/><text x="%d" y="72">%[1]s</text>`+"\n", side, left+100*i, left+100*i+18)
	}
	for share := 0.0; share <= last+step/2; share += step {
		fmt.Fprintf(&svg, `<line class="grid" x1="%.1f" x2="%.1[1]f" y1="%d" y2="%d"/>`+"\n", x(share), pictureTop-6, bottom)
		fmt.Fprintf(&svg, `<text class="quiet" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(share), bottom+16, tickLabel(share, step))
	}
	for i, label := range labels {
		y := pictureTop + i*cellHeight
		fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-8, y+barHeight+4, escaped(label))
		for k, side := range []struct {
			class string
			share float64
		}{{"reference", h.Reference[i]}, {"current", h.Current[i]}} {
			width := x(side.share) - float64(left)
			if side.share > 0 {
				width = max(1, width) // a share above 0 is always seen
			}
			at := y + k*(barHeight+1)
			fmt.Fprintf(&svg, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/><text class="quiet share" x="%.1f" y="%d">%s</text>`+"\n",
				side.class, left, at, width, barHeight, float64(left)+width+5, at+barHeight-2, percent(side.share))
		}
	}
	fmt.Fprintf(&svg, `<line class="axis" x1="%d" x2="%[1]d" y1="%d" y2="%d"/>`+"\n", left, pictureTop-6, bottom)
	fmt.Fprintf(&svg, `<text class="quiet" x="%d" y="%d" text-anchor="middle">share of the values</text>`+"\n", (left+right)/2, bottom+38)
	fmt.Fprintf(&svg, `<text class="quiet" transform="translate(20 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n",
		(pictureTop+bottom)/2, escaped(shorten(printable(column), max(8, (bottom-pictureTop)/letterWidth))))
	svg.WriteString("</svg>\n")
	_, err = io.WriteString(w, svg.String())
	return err
}

// shareTicks returns the distance of the marks on the axis of shares, and the last of them: not below the largest share.
func shareTicks(largest float64) (step, last float64) {
	for _, step = range []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2} {
		if largest <= 6*step {
			break
		}
	}
	return step, step * max(1, math.Ceil(largest/step-1e-9))
}

// tickLabel writes a share with as many decimals as the marks need.
func tickLabel(share, step float64) string {
	decimals := 0
	if step < 0.01 {
		decimals = 1
	}
	return fmt.Sprintf("%.*f%%", decimals, 100*share)
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // to memory
	return b.String()
}
