package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// nodeAgentLoop is the loop of the node agent, in which pods become containers.
const nodeAgentLoop = "pods"

// deed is a plan that a loop has carried out about an object.
type deed struct {
	Loop string `json:"loop"`
	instance.Plan
}

// history is what the loops of a running instance did last about an object, the newest first: those that decide for it alone,
// and of those that decide for many what names it.
func history(ctx context.Context, inst *instance.Instance, concern wiring.Concern, namespace, name string) ([]deed, error) {
	key := name
	if concern.Namespaced {
		key = namespace + "/" + name
	}
	told, err := inst.Loops(ctx)
	if err != nil {
		return nil, err
	}
	alone := concern.Loops
	if concern.Kind == "Pod" {
		alone = append(slices.Clone(alone), nodeAgentLoop)
	}
	deeds := []deed{}
	for _, l := range told {
		keys, about := []string{key}, func(string) bool { return true }
		switch {
		case slices.Contains(alone, l.Name):
		case slices.Contains(concern.Groups, l.Name):
			keys, about = l.Keys, func(plan string) bool { return strings.Contains(plan, concern.Kind+" "+key) }
		default:
			continue
		}
		for _, key := range keys {
			plans, err := inst.Plans(ctx, l.Name, key, false)
			if err != nil {
				return nil, err
			}
			for _, plan := range plans.Plans {
				if about(plan.Plan) {
					deeds = append(deeds, deed{l.Name, plan})
				}
			}
		}
	}
	slices.SortStableFunc(deeds, func(a, b deed) int { return b.At.Compare(a.At) })
	return deeds, nil
}

// printHistory tells a person what was done.
func printHistory(out io.Writer, deeds []deed, now time.Time) error {
	if len(deeds) == 0 {
		_, err := fmt.Fprintln(out, "no loop remembers a plan about it: each keeps its last few since the instance was started")
		return err
	}
	for _, d := range deeds {
		words := strings.ReplaceAll(d.Plan.Plan, "\n", "\n  ")
		if d.Error != "" {
			words += "\n  failed: " + strings.ReplaceAll(d.Error, "\n", "\n  ")
		}
		if _, err := fmt.Fprintf(out, "%s ago, %s:\n  %s\n", now.Sub(d.At).Round(time.Second), d.Loop, words); err != nil {
			return err
		}
	}
	return nil
}

// explainHistory tells what the loops of the running instance did last about an object.
func (f *foresight) explainHistory(ctx context.Context, out io.Writer, t *target, argument, namespace string) error {
	word, name, ok := strings.Cut(argument, "/")
	if !ok || word == "" || name == "" {
		return fmt.Errorf("%q: want KIND/NAME, as in deployment/web", argument)
	}
	inst, err := t.instance()
	if err != nil {
		return err
	}
	if f.access.kubeconfig != "" || !inst.Running() {
		return fmt.Errorf("--history is kept by a running instance, in memory: start one with '%s', or ask for what comes next with '%s'",
			inst.Command("up"), inst.Command("plan "+argument))
	}
	cluster, err := f.access.cluster(t)
	if err != nil {
		return err
	}
	settings, err := inst.Settings()
	if err != nil {
		return err
	}
	selection, err := t.runningSelection(ctx)
	if err != nil {
		return err
	}
	preview, err := wiring.NewPreview(cluster, loopsOf(settings, selection))
	if err != nil {
		return err
	}
	concern, err := preview.Concerned(word)
	if err != nil {
		return err
	}
	deeds, err := history(ctx, inst, concern, namespace, name)
	if err != nil {
		return err
	}
	return printer.Prose(out, f.output, deeds, func(out io.Writer) error { return printHistory(out, deeds, time.Now()) })
}
