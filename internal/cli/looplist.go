package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/journal"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
)

// listedLoop is a loop in a list. Its JSON is stable: fields may be added.
type listedLoop struct {
	Name string `json:"name"`
	// Of is the kind of what it decides for; empty where it decides for many things at once.
	Of string `json:"of,omitempty"`
	// Keys is for how many things it has decided.
	Keys int `json:"keys"`
	// Last is the last plan of the journal that it carried out; nil if there is none.
	Last *journal.Entry `json:"last,omitempty"`
	// Failed is the last one of the journal that failed; nil if there is none.
	Failed *journal.Entry `json:"failed,omitempty"`
}

func newLoops(t *target) *cobra.Command {
	var format printer.Format
	c := &cobra.Command{
		Use:   "loops",
		Short: "List the loops of the running control plane, and what they did last",
		Long: `List the control loops that run in the instance: for what each decides, how many such
things it knows, what it did last, and what failed last. 'orrery plan LOOP' says what
one would do next.`,
		Example: `  orrery loops
  orrery loops -o json | jq -r '.[] | select(.failed) | "\(.name): \(.failed.error)"'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			if !inst.Running() {
				return notRunning(inst)
			}
			ctx, cancel := context.WithTimeout(c.Context(), eventsPatience)
			defer cancel()
			list, err := listLoops(ctx, inst)
			if err != nil {
				return err
			}
			if err := printer.Print(c.OutOrStdout(), format, list, func() printer.Table { return loopTable(list, time.Now()) }); err != nil || format.ForPrograms() {
				return err
			}
			return sayWhichRun(ctx, c.OutOrStdout(), inst)
		},
	}
	format.AddFlag(c)
	return c
}

func listLoops(ctx context.Context, inst *instance.Instance) ([]listedLoop, error) {
	loops, err := inst.Loops(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]listedLoop, len(loops))
	at := map[string]*listedLoop{}
	for i, l := range loops {
		list[i] = listedLoop{Name: l.Name, Of: l.Of, Keys: len(l.Keys)}
		at[l.Name] = &list[i]
	}
	err = inst.Journal(ctx, 0, false, func(e journal.Entry) {
		l := at[e.Loop]
		if l == nil {
			return // the scheduler's, which is no loop
		}
		if l.Last = &e; e.Error != "" {
			l.Failed = &e
		}
	})
	return list, err
}

// sayWhichRun says which controllers were chosen, where it is not those that run by default.
func sayWhichRun(ctx context.Context, out io.Writer, inst *instance.Instance) error {
	status, err := inst.Status(ctx)
	if err != nil {
		return err
	}
	for _, component := range status.Components {
		if component.Name == controllersComponent && component.Detail != "" {
			_, err = fmt.Fprintf(out, "\nControllers: %s\n", component.Detail)
		}
	}
	return err
}

func loopTable(list []listedLoop, now time.Time) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "LOOP"}, {Name: "DECIDES FOR"}, {Name: "KEYS"}, {Name: "LAST"}, {Name: "DID", Yields: true}, {Name: "LAST FAILURE", Yields: true},
	}}
	for _, l := range list {
		row := []string{l.Name, l.Of, fmt.Sprint(l.Keys), "", "", ""}
		if l.Of == "" {
			row[1] = "many at once"
		}
		if l.Last != nil {
			row[3] = duration.HumanDuration(now.Sub(l.Last.At))
			row[4], _, _ = strings.Cut(l.Last.Plan, "\n")
			if row[4] = strings.TrimSpace(row[4]); l.Last.Key != "" && l.Of != "" {
				row[4] = l.Last.Key + ": " + row[4]
			}
		}
		if l.Failed != nil {
			row[5] = duration.HumanDuration(now.Sub(l.Failed.At)) + " ago: " + l.Failed.Error
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}
