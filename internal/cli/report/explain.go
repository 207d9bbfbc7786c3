package report

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/scheduler/explain"
	corev1 "k8s.io/api/core/v1"
)

// How much is shown; the JSON has it all.
const (
	detailsByGroup = 5
	nodesByDetail  = 4
	nodesScored    = 3
)

// Pod is what is to be said of a pod. Its JSON is stable: fields may be added.
type Pod struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Node is where the pod is; empty for one that waits.
	Node        string               `json:"node,omitempty"`
	Explanation *explain.Explanation `json:"explanation"`
	// Static is set where the pod is the mirror of a static one.
	Static *Static `json:"static,omitempty"`
	// Decided is what the scheduler of the running instance remembers of its last attempt.
	Decided *explain.Record `json:"decided,omitempty"`
}

// Static is a static pod, of which the API has a mirror.
type Static struct {
	// Source is file or http.
	Source string `json:"source"`
	// Hash is that of its manifest.
	Hash string `json:"hash"`
}

// StaticOf is the static pod that a pod of the API is the mirror of; nil if it is none.
func StaticOf(pod *corev1.Pod) *Static {
	hash, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	if !mirror {
		return nil
	}
	return &Static{Source: pod.Annotations["kubernetes.io/config.source"], Hash: hash}
}

// Explain writes about one pod.
func Explain(out io.Writer, pod Pod) error {
	i := newInk(out)
	if pod.Static != nil {
		i.mirror(pod)
		return i.err
	}
	i.headline(pod)
	e := pod.Explanation
	for _, held := range e.Held {
		i.line("  %s holds it back: %s", held.Plugin, held.Detail)
	}
	i.refusals(e)
	i.nearest(e.Nearest)
	i.scores(pod)
	i.decided(pod.Decided)
	return i.err
}

// mirror says what such a pod is. No scheduler has put it where it is.
func (i *ink) mirror(pod Pod) {
	where := "a directory of the node"
	if pod.Static.Source == "http" {
		where = "a URL that the node reads"
	}
	i.line("Pod %s is on %s, which runs it by itself: it is the mirror of a static pod.", i.in(bold, pod.Namespace+"/"+pod.Name), i.in(good, pod.Node))
	i.line("  Its manifest is in %s (hash %s), and no scheduler was asked.", where, pod.Static.Hash)
	i.line("  To delete or change the mirror changes nothing about the pod, and it is made anew: do so to the manifest.")
}

func (i *ink) headline(pod Pod) {
	name := i.in(bold, pod.Namespace+"/"+pod.Name)
	e := pod.Explanation
	others := count(e.Feasible, "node")
	switch {
	case pod.Node != "" && e.Feasible == 0:
		i.line("Pod %s is on %s, but would fit on none of the %s now.", name, i.in(good, pod.Node), count(e.Nodes, "node"))
	case pod.Node != "":
		i.line("Pod %s is on %s. It would fit on %s of %d now.", name, i.in(good, pod.Node), others, e.Nodes)
	case len(e.Held) > 0:
		i.line("Pod %s is %s.", name, i.in(bad, "held back, and not tried"))
	case e.Nodes == 0:
		i.line("Pod %s waits: %s.", name, i.in(bad, "there are no nodes"))
	case e.Feasible == 0:
		i.line("Pod %s waits: it fits on %s of the %s.", name, i.in(bad, "none"), count(e.Nodes, "node"))
	default:
		i.line("Pod %s waits, and %s of %d would do.", name, i.in(good, others), e.Nodes)
	}
}

func (i *ink) refusals(e *explain.Explanation) {
	for _, group := range e.Refusals {
		i.line("")
		i.line("  %s  %s  %s", i.in(bold, group.Plugin), count(len(group.Nodes), "node"), i.in(faint, strings.Join(group.Reasons, "; ")))
		i.details(group)
	}
}

// details lists the nodes of a group, those of the same detail in one line.
func (i *ink) details(group explain.Group) {
	type line struct {
		detail string
		nodes  []string
	}
	var lines []line
	for _, node := range group.Nodes {
		at := slices.IndexFunc(lines, func(l line) bool { return l.detail == node.Detail })
		if at < 0 {
			at = len(lines)
			lines = append(lines, line{detail: node.Detail})
		}
		lines[at].nodes = append(lines[at].nodes, node.Node)
	}
	width := 0
	shown := lines[:min(len(lines), detailsByGroup)]
	for _, line := range shown {
		width = max(width, len(few(line.nodes, nodesByDetail)))
	}
	for _, line := range shown {
		i.line("    %s  %s", column(few(line.nodes, nodesByDetail), width), line.detail)
	}
	if more := len(lines) - len(shown); more > 0 {
		i.line("    %s", i.in(faint, "and "+count(more, "more line")+" for nodes that are further off"))
	}
}

func (i *ink) nearest(misses []explain.Miss) {
	helped := slices.ContainsFunc(misses, func(m explain.Miss) bool { return len(m.Remedies) > 0 })
	if helped {
		i.line("")
		i.line("It would fit")
		for _, miss := range misses {
			for _, remedy := range miss.Remedies {
				i.line("  on %s %s", i.in(good, miss.Node), remedy)
			}
		}
		return
	}
	if len(misses) > 0 {
		i.line("")
		i.line("The nearest miss is %s:", misses[0].Node)
		for _, refusal := range misses[0].Refusals {
			i.line("  %s: %s", refusal.Plugin, refusal.Detail)
		}
	}
}

// scores shows the best nodes, and the one that the pod is on.
func (i *ink) scores(pod Pod) {
	scores := pod.Explanation.Scores
	shown := slices.Clone(scores[:min(len(scores), nodesScored)])
	for _, score := range scores[len(shown):] {
		if score.Node == pod.Node {
			shown = append(shown, score)
		}
	}
	for _, score := range shown {
		i.line("")
		mark := ""
		if score.Node == pod.Node {
			mark = "  (the pod is here)"
		}
		i.line("  %s  score %d%s", i.in(bold, score.Node), score.Total, i.in(good, mark))
		for _, p := range score.Plugins {
			i.line("    %s %6d = %3d of 100 x %d  %s", column(p.Plugin, 32), p.Weighted, p.Normalized, p.Weight, i.in(faint, p.Reason))
		}
	}
	if more := len(scores) - len(shown); more > 0 {
		i.line("")
		i.line("  %s", i.in(faint, "and "+count(more, "node")+" with lower scores or the same"))
	}
}

func (i *ink) decided(record *explain.Record) {
	if record == nil {
		return
	}
	i.line("")
	when := record.When.Local().Format(time.TimeOnly)
	if record.Node != "" {
		i.line("The scheduler decided on %s at %s, in attempt %d: %d of %d nodes were looked at, %d fitted.",
			i.in(good, record.Node), when, record.Attempt, record.Evaluated, record.AllNodes, record.Feasible)
		return
	}
	i.line("The scheduler tried it last at %s, in attempt %d:", when, record.Attempt)
	i.line("  %s", record.Message)
}
