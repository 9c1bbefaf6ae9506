package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/testbed"
)

// dashboard is what the tests read of a dashboard.
type dashboard struct {
	UID    string
	Title  string
	Panels []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct {
			Expr         string
			LegendFormat string
			RefID        string
		}
		FieldConfig struct {
			Defaults struct{ Unit string }
		}
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      any // of a query variable {query, refId}
		}
	}
	Annotations struct {
		List []struct {
			Name   string
			Target struct{ Expr string }
		}
	}
	Links []struct{ URL string }
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob("grafana/dashboards/*.json")
	if err != nil || len(files) != 4 {
		t.Fatalf("dashboards %v, %v, want 4", files, err)
	}
	all := map[string]dashboard{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); d.UID != name {
			t.Errorf("%s: uid is %q, want the name of the file", file, d.UID)
		}
		all[d.UID] = d
	}
	return all
}

// Every panel says what it shows and in which unit, no two overlap, and links lead to dashboards that are there.
func TestDashboardsAreComplete(t *testing.T) {
	all := dashboards(t)
	for uid, d := range all {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			at := fmt.Sprintf("%s, panel %q", uid, p.Title)
			if p.Title == "" || !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: description %q is no sentence", at, p.Description)
			}
			if p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: no unit", at)
			}
			if len(p.Targets) == 0 {
				t.Errorf("%s: no query", at)
			}
			for _, target := range p.Targets {
				if !strings.Contains(target.Expr, `job=~"$job"`) {
					t.Errorf("%s: query %s does not choose the job", at, target.Expr)
				}
				if strings.Contains(target.Expr, "rate(") && !strings.Contains(target.Expr, "[$__rate_interval]") {
					t.Errorf("%s: query %s has a rate over a fixed interval", at, target.Expr)
				}
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
						t.Fatalf("%s: overlaps %q or the edge", at, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
		for _, l := range d.Links {
			if _, there := all[strings.TrimPrefix(l.URL, "/d/")]; !there {
				t.Errorf("%s: link to %s leads nowhere", uid, l.URL)
			}
		}
	}
}

const (
	schemaVersion     = "13.2.3" // of @grafana/schema
	typescriptVersion = "5.9.3"
)

// typescript turns dashboards into declarations that only compile when each part has the type that Grafana gives it.
// Plain makes an enum accept its values, as JSON has them.
const typescript = `import type { AnnotationQuery, Dashboard as Untyped, DataQuery } from '@grafana/schema';
import type { Options as timeseries, FieldConfig as timeseriesField } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { Options as stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as stateTimeline } from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
type Plain<T> = T extends string ? ` + "`${T}`" + ` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Annotation = AnnotationQuery<DataQuery & { expr: string }> & { titleFormat: string; textFormat: string; step: string; useValueForTime: boolean };
type Dashboard = Omit<Untyped, 'annotations'> & { annotations: { list: Annotation[] } };
`

// The dashboards have the types of Grafana's own schema, down to the options of each kind of panel.
func TestDashboardsHaveGrafanasTypes(t *testing.T) {
	testbed.Need(t, "npm")
	var source strings.Builder
	source.WriteString(typescript)
	for uid := range dashboards(t) {
		content, err := os.ReadFile(filepath.Join("grafana/dashboards", uid+".json"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&source, "export const %s: Plain<Dashboard> = %s;\n", strings.ReplaceAll(uid, "-", "_"), content)
		var whole struct {
			Panels []struct {
				ID          int
				Type        string
				Options     json.RawMessage
				FieldConfig struct {
					Defaults struct{ Custom json.RawMessage }
				}
			}
		}
		if err := json.Unmarshal(content, &whole); err != nil {
			t.Fatal(err)
		}
		for _, p := range whole.Panels {
			kind := strings.Replace(p.Type, "-t", "T", 1)
			name := fmt.Sprintf("%s_%d", strings.ReplaceAll(uid, "-", "_"), p.ID)
			fmt.Fprintf(&source, "export const %s: Plain<%s> = %s;\n", name, kind, p.Options)
			if p.FieldConfig.Defaults.Custom != nil {
				fmt.Fprintf(&source, "export const %s_field: Plain<%sField> = %s;\n", name, kind, p.FieldConfig.Defaults.Custom)
			}
		}
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"check.ts":     source.String(),
		"package.json": fmt.Sprintf(`{"private":true,"dependencies":{"@grafana/schema":%q,"typescript":%q}}`, schemaVersion, typescriptVersion),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, "npm", "install", "--silent", "--no-audit", "--no-fund")
	command(t, dir, "node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext", "--target", "es2022", "check.ts")
}

func command(t *testing.T, dir, name string, arguments ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, arguments...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, arguments, err, bytes.TrimSpace(out))
	}
	return string(out)
}
