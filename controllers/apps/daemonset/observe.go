package daemonset

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/ownership"
	"github.com/orrery-dev/orrery/controllers/internal/podtemplate"
	"github.com/orrery-dev/orrery/controllers/internal/replicas"
	"github.com/orrery-dev/orrery/controllers/internal/revisions"
	"github.com/orrery-dev/orrery/framework/loop"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// world is what a DaemonSet has, and where it may have it.
type world struct {
	// nodes are all there are, by name.
	nodes []*ocorev1.Node
	// revisions are those of its template, and those that it is about to adopt or release.
	revisions ownership.Claims[*oappsv1.ControllerRevision]
	// namesake is the revision, whosever it is, that has the name of the newest one; nil if there is none.
	namesake *oappsv1.ControllerRevision
	// pods are its pods, ended or not, and those that it is about to adopt or release.
	pods ownership.Claims[*ocorev1.Pod]
	// failing is since when a node with a failed pod has had no ready one, by the node's name.
	failing map[string]time.Time
}

// Observe reads the nodes, the revisions and the pods.
func (Controller) Observe(ctx context.Context, view loop.View, set *oappsv1.DaemonSet) (world, error) {
	w := world{failing: map[string]time.Time{}}
	var nodes ocorev1.NodeList
	if err := view.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return world{}, fmt.Errorf("listing nodes for DaemonSet %s/%s: %w", set.Namespace, set.Name, err)
	}
	for i := range nodes.Items {
		w.nodes = append(w.nodes, &nodes.Items[i])
	}
	slices.SortFunc(w.nodes, func(a, b *ocorev1.Node) int { return strings.Compare(a.Name, b.Name) })
	var err error
	if w.revisions, err = ownership.Observe[*oappsv1.ControllerRevision](ctx, view, set, set.Spec.Selector, &oappsv1.ControllerRevisionList{}); err != nil {
		return world{}, err
	}
	var namesake oappsv1.ControllerRevision
	err = view.Get(ctx, client.ObjectKeyFromObject(newest(set)), &namesake)
	if client.IgnoreNotFound(err) != nil {
		return world{}, fmt.Errorf("reading ControllerRevision %s/%s: %w", set.Namespace, newest(set).Name, err)
	}
	if err == nil {
		w.namesake = &namesake
	}
	if w.pods, err = ownership.Observe[*ocorev1.Pod](ctx, view, set, set.Spec.Selector, &ocorev1.PodList{}); err != nil {
		return world{}, err
	}
	w.observeFailing(view)
	return w, nil
}

// observeFailing looks for nodes that have a pod and none that is ready.
func (w *world) observeFailing(view loop.View) {
	ready := map[string]bool{}
	for _, pod := range w.pods.Held {
		ready[nodeOf(pod)] = ready[nodeOf(pod)] || replicas.Ready(pod) && replicas.Active(pod)
	}
	for node, ok := range ready {
		if !ok {
			w.failing[node] = view.Since("node "+node, "no ready pod")
		}
	}
}

// newest is the revision of the template as it is, not numbered yet.
func newest(set *oappsv1.DaemonSet) *oappsv1.ControllerRevision {
	return revisions.New(set, &set.Spec.Template, appsv1.DefaultDaemonSetUniqueLabelKey, podtemplate.Hash(&set.Spec.Template, set.Status.CollisionCount))
}
