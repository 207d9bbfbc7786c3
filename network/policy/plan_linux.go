package policy

import (
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
)

// node is what steps act with.
type node struct {
	table *nft.Client
	gate  *Gate
}

// Plan brings the table to what the policies want, and then lets the pods start that wait for that.
func Plan(w World) *engine.Plan[*node] {
	p := &engine.Plan[*node]{}
	if difference := nft.Compare(w.Present, tableOf(w)); !difference.Empty() {
		p.Do(&write{difference})
	}
	if len(w.Waiting) > 0 {
		p.Do(&let{w.Waiting})
	}
	p.Because("the table holds what NetworkPolicies want")
	return p
}

// Plan is the loop's plan.
func (l *loop) Plan(_ engine.One, w World, _ time.Time) *engine.Plan[*node] { return Plan(w) }

// write carries out a difference, all of it in one transaction.
type write struct{ difference *nft.Difference }

func (s *write) Verb() string { return "write" }

func (s *write) String() string { return s.difference.InOneTransaction() }

func (s *write) Why() string { return "" }

func (s *write) Do(ctx context.Context, n *node) error { return n.table.Write(ctx, s.difference) }

// let lets pods start.
type let struct{ pods []*corev1.Pod }

func (s *let) Verb() string { return "let" }

func (s *let) String() string {
	names := make([]string, len(s.pods))
	for i, pod := range s.pods {
		names[i] = pod.Namespace + "/" + pod.Name
	}
	return "let the containers start of " + strings.Join(names, ", ")
}

func (s *let) Why() string { return "policies hold for their addresses" }

func (s *let) Do(_ context.Context, n *node) error {
	n.gate.let(s.pods)
	return nil
}
