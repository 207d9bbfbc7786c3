package printer

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func planets() Table {
	return Table{
		Columns: []Column{{Name: "PLANET"}, {Name: "MOONS"}, {Name: "REMARK", Yields: true}, {Name: "NAMED AFTER", WideOnly: true}},
		Rows: [][]string{
			{"mars", "2", "red, and smaller than people think", "a god of war"},
			{"venus", "", "turns the other way round\nand slowly", "a goddess"},
		},
	}
}

func TestATableFits(t *testing.T) {
	for name, c := range map[string]struct {
		wide  bool
		width int
		want  []string
	}{
		"as wide as it gets where it is no terminal": {false, 0, []string{
			"PLANET   MOONS   REMARK",
			"mars     2       red, and smaller than people think",
			"venus    -       turns the other way round …",
		}},
		"with columns that are too much for most": {true, 0, []string{
			"PLANET   MOONS   REMARK                               NAMED AFTER",
			"mars     2       red, and smaller than people think   a god of war",
			"venus    -       turns the other way round …          a goddess",
		}},
		"cut at what yields": {false, 36, []string{
			"PLANET   MOONS   REMARK",
			"mars     2       red, and smaller t…",
			"venus    -       turns the other wa…",
		}},
		"no further than to what can still be read": {false, 12, []string{
			"PLANET   MOONS   REMARK",
			"mars     2       red, and …",
			"venus    -       turns the…",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, planets().Fit(c.wide, c.width)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestACellMayBeIndented(t *testing.T) {
	table := Table{Columns: []Column{{Name: "OBJECT"}, {Name: "AGE"}}, Rows: [][]string{{"sun", "1y"}, {"  mars\n", "\t"}}}
	want := []string{"OBJECT   AGE", "sun      1y", "  mars   -"}
	if diff := cmp.Diff(want, table.Fit(false, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestColourTakesNoRoom(t *testing.T) {
	table := Table{Columns: []Column{{Name: "A"}, {Name: "B"}}, Rows: [][]string{{"\x1b[31mred\x1b[0m", "x"}, {"plain", "y"}}}
	want := []string{"A       B", "\x1b[31mred\x1b[0m     x", "plain   y"}
	if diff := cmp.Diff(want, table.Fit(false, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProgramsGetTheValueAndNotTheTable(t *testing.T) {
	value := struct {
		Planet string `json:"planet"`
		Moons  int    `json:"moons"`
	}{"mars", 2}
	for format, want := range map[Format]string{
		JSON: "{\n  \"planet\": \"mars\",\n  \"moons\": 2\n}\n",
		YAML: "moons: 2\nplanet: mars\n",
	} {
		var out bytes.Buffer
		err := Print(&out, format, value, func() Table { t.Error("a table was made"); return Table{} })
		if err != nil || out.String() != want {
			t.Errorf("%s is %q (%v), want %q", format, &out, err, want)
		}
	}
}

func TestAFormatThatIsUnknownIsAMistake(t *testing.T) {
	var format Format
	c := &cobra.Command{Use: "list", Run: func(*cobra.Command, []string) {}, SilenceErrors: true, SilenceUsage: true}
	format.AddFlag(c)
	c.SetArgs([]string{"-o", "xml"})
	if err := c.Execute(); err == nil || !strings.Contains(err.Error(), `"xml"`) || !strings.Contains(err.Error(), "want json, yaml or wide") {
		t.Errorf("got %v, want what was typed, and what is allowed", err)
	}
	c.SetArgs([]string{"-o", "wide"})
	if err := c.Execute(); err != nil || format != Wide {
		t.Errorf("the format is %q (%v), want wide", format, err)
	}
}
