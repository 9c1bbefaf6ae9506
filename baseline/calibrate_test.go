package baseline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// calibratedOf builds and calibrates a baseline of rows, whose first column is the time.
func calibratedOf(t *testing.T, header string, rows []string, cycle Cycle) *Baseline {
	t.Helper()
	file := filepath.Join(t.TempDir(), "training.csv")
	if err := os.WriteFile(file, []byte(header+"\n"+strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := Build([]string{file}, Roles{Times: []string{"at"}}, time.Unix(0, 0))
	if err == nil && cycle != "" {
		err = b.AddSeasonal([]string{file}, cycle)
	}
	if err == nil {
		err = b.Calibrate([]string{file})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// autoregressive is rows of a number in which each is rho times the one before and noise, plus a wave over the day.
func autoregressive(rows int, every time.Duration, rho, wave float64) []string {
	random := rand.New(rand.NewPCG(1, 2))
	x, all := 0.0, make([]string, rows)
	for i := range all {
		at := time.Unix(0, 0).Add(time.Duration(i) * every).UTC()
		x = rho*x + math.Sqrt(1-rho*rho)*random.NormFloat64()
		day := 2 * math.Pi * float64(at.Hour()*60+at.Minute()) / 1440
		all[i] = fmt.Sprintf("%s,%g", at.Format(time.RFC3339), x+wave*math.Sin(day))
	}
	return all
}

// Kappa of an autoregressive series is (1+rho)/(1-rho) over long blocks.
func TestKappa(t *testing.T) {
	for _, c := range []struct{ rho, low, high float64 }{{0, 1, 1}, {0.5, 2.6, 3.4}, {0.9, 16, 22}} {
		b := calibratedOf(t, "at,x", autoregressive(100_000, time.Second, c.rho, 0), "")
		kappa := b.Calibration(0)
		if len(kappa.Kappa) != 4 || kappa.Dependence() < c.low || kappa.Dependence() > c.high || kappa.Growing() {
			t.Errorf("rho %v: %+v", c.rho, kappa)
		}
	}
}

// A wave over the day grows kappa with the length of the blocks, unless the baseline is seasonal.
func TestKappaOfACycle(t *testing.T) {
	rows := autoregressive(60_000, 3*time.Second, 0, 0.5) // two days
	if kappa := calibratedOf(t, "at,x", rows, "").Calibration(0); !kappa.Growing() || kappa.Dependence() != max(1, kappa.Kappa[0].Value) {
		t.Errorf("static: %+v", kappa)
	}
	if kappa := calibratedOf(t, "at,x", rows, HourOfDay).Calibration(0); kappa.Growing() {
		t.Errorf("by hour of the day: %+v", kappa)
	}
}

func TestOrderOfTimeIsNeeded(t *testing.T) {
	rows := autoregressive(2000, time.Second, 0.9, 0)
	if kappa := calibratedOf(t, "at,x", rows, "").Calibration(0); len(kappa.Kappa) != 2 {
		t.Errorf("in order: %+v", kappa)
	}
	rows[10], rows[11] = rows[11], rows[10]
	if kappa := calibratedOf(t, "at,x", rows, "").Calibration(0); kappa.Kappa != nil {
		t.Errorf("out of order: %+v", kappa)
	}
}

func TestCategoriesSeenOnce(t *testing.T) {
	var rows []string
	for i := range 100 {
		name := "often"
		if i%10 == 0 {
			name = fmt.Sprint("once", i)
		}
		rows = append(rows, fmt.Sprintf("%d,%s", i, name))
	}
	b := calibratedOf(t, "at,name", rows, "")
	c := b.Calibration(0)
	if c.Singles != 10 || !slices.Equal(c.Odd, []int64{50, 0}) {
		t.Errorf("%+v of %v", c, b.Profile.Features[0].Bins)
	}
	dir := t.TempDir()
	if err := b.Save(dir); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(dir)
	if err != nil || loaded.Calibration(0).Singles != 10 || loaded.ID != b.ID {
		t.Errorf("loaded %+v, %v", loaded, err)
	}
}
