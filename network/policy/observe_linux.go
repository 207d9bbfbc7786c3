package policy

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	onetworkingv1 "github.com/orrery-dev/orrery/apis/networking/v1"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/network/nft"
)

// World is all that a plan depends on.
type World struct {
	Options
	Policies   []*networkingv1.NetworkPolicy
	Namespaces []*corev1.Namespace
	// Pods are those with an address, also where only the node's agent knows it yet; Waiting are those that it holds back until then.
	Pods, Waiting []*corev1.Pod
	// Present is what the kernel's table holds.
	Present *nft.Table
}

// Observe reads the world. Objects are the cache's own and not copied: a plan changes none.
func (l *loop) Observe(ctx context.Context, _ engine.Look, _ engine.One) (World, error) {
	w := World{Options: l.options}
	var policies onetworkingv1.NetworkPolicyList
	var namespaces corev1.NamespaceList
	var pods ocorev1.PodList
	for _, list := range []client.ObjectList{&policies, &namespaces, &pods} {
		if err := l.read.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return World{}, fmt.Errorf("listing for network policies: %w", err)
		}
	}
	for i := range policies.Items {
		w.Policies = append(w.Policies, (*networkingv1.NetworkPolicy)(&policies.Items[i]))
	}
	for i := range namespaces.Items {
		w.Namespaces = append(w.Namespaces, &namespaces.Items[i])
	}
	for i := range pods.Items {
		w.Pods = append(w.Pods, (*corev1.Pod)(&pods.Items[i]))
	}
	arrivals, waiting := l.node.gate.arrivals(w.Pods, time.Now())
	w.Pods, w.Waiting = append(w.Pods, arrivals...), waiting
	var err error
	w.Present, err = l.node.table.Read()
	return w, err
}
