package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/orrery-dev/orrery/scheduler/simulate"
)

// Simulation writes what would happen.
func Simulation(out io.Writer, outcome *simulate.Outcome) error {
	i := newInk(out)
	i.placements(outcome.Pods)
	if len(outcome.Others) > 0 {
		i.line("")
		i.line("Pods of the cluster that wait now and would get a node:")
		i.placements(outcome.Others)
	}
	i.refused(outcome.Pods)
	i.line("")
	i.line("%s", i.summary(outcome))
	return i.err
}

func (i *ink) placements(pods []simulate.Placement) {
	width := 0
	for _, pod := range pods {
		width = max(width, len(pod.Namespace)+1+len(pod.Name))
	}
	for _, pod := range pods {
		name := column(pod.Namespace+"/"+pod.Name, width)
		if pod.Node == "" {
			i.line("  %s  %s", name, i.in(bad, "nowhere"))
			continue
		}
		note := ""
		if pod.From != "" {
			note += ", from " + pod.From
		}
		if len(pod.Preempts) > 0 {
			note += ", evicting " + strings.Join(pod.Preempts, ", ")
		}
		i.line("  %s  %s%s", name, i.in(good, pod.Node), note)
	}
}

// refused says why pods go nowhere, once for all of one owner.
func (i *ink) refused(pods []simulate.Placement) {
	said := map[string]bool{}
	for _, pod := range pods {
		subject := pod.Owner
		if subject == "" {
			subject = "Pod/" + pod.Name
		}
		key := pod.Namespace + subject + pod.Message
		if pod.Node != "" || said[key] {
			continue
		}
		said[key] = true
		i.line("")
		i.line("%s: %s", i.in(bold, subject), pod.Message)
		if e := pod.Explanation; e != nil {
			for _, group := range e.Refusals {
				i.line("  %s  %s", i.in(bold, group.Plugin), count(len(group.Nodes), "node"))
				i.details(group)
			}
			i.nearest(e.Nearest)
		}
	}
}

func (i *ink) summary(outcome *simulate.Outcome) string {
	placed, all := outcome.Placed(), len(outcome.Pods)
	evicted := 0
	for _, pod := range outcome.Pods {
		evicted += len(pod.Preempts)
	}
	text := fmt.Sprintf("%d of %s would be placed", placed, count(all, "pod"))
	if evicted > 0 {
		text += ", and " + count(evicted, "pod") + " evicted for them"
	}
	return text + ". Nothing was written."
}
