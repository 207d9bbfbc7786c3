package cycle

import (
	"context"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/metrics"
)

// filterByExtenders asks the extenders, one after the other, which of the nodes that the plugins let pass can run the pod.
func (c *Cycle) filterByExtenders(ctx context.Context, a *attempt, nodes []fwk.NodeInfo, diagnosis *framework.Diagnosis) ([]fwk.NodeInfo, error) {
	before := len(nodes)
	for _, extender := range a.profile.Extenders() {
		if len(nodes) == 0 {
			break
		}
		if !extender.IsInterested(a.pod()) {
			continue
		}
		passed, failed, unresolvable, err := extender.Filter(a.pod(), nodes)
		if err != nil && extender.IsIgnorable() {
			klog.FromContext(ctx).Info("Extender could not filter nodes; it is left out, as it is ignorable", "extender", extender.Name(), "err", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		refuse(diagnosis, fwk.Unschedulable, failed)
		refuse(diagnosis, fwk.UnschedulableAndUnresolvable, unresolvable) // Said of the same node, this counts.
		nodes = passed
	}
	if len(nodes) != before {
		// What an extender waits for nobody knows, so that any event brings the pod back.
		if diagnosis.UnschedulablePlugins == nil {
			diagnosis.UnschedulablePlugins = sets.New[string]()
		}
		diagnosis.UnschedulablePlugins.Insert(framework.ExtenderName)
	}
	return nodes, nil
}

func refuse(diagnosis *framework.Diagnosis, code fwk.Code, nodes extenderv1.FailedNodesMap) {
	for node, reason := range nodes {
		diagnosis.Nodes.Set(node, fwk.NewStatus(code, reason))
	}
}

// scoredByExtenders reports whether a profile has extenders that score nodes, and filteredByExtenders whether it has
// some that refuse them: then more than one feasible node is worth finding.
func scoredByExtenders(profile *framework.Framework) bool {
	return slices.ContainsFunc(profile.Extenders(), fwk.Extender.IsPrioritizer)
}

func filteredByExtenders(profile *framework.Framework) bool {
	return slices.ContainsFunc(profile.Extenders(), fwk.Extender.IsFilter)
}

// scoreByExtenders adds the extenders' scores, asking all at the same time. One that fails gives none: it could only
// have preferred nodes.
func (c *Cycle) scoreByExtenders(ctx context.Context, a *attempt, nodes []fwk.NodeInfo, scores []fwk.NodePluginScores) {
	if len(a.profile.Extenders()) == 0 {
		return
	}
	index := make(map[string]int, len(scores))
	for i := range scores {
		index[scores[i].Name] = i
	}
	var mutex sync.Mutex
	var asking sync.WaitGroup
	for _, extender := range a.profile.Extenders() {
		if !extender.IsInterested(a.pod()) {
			continue
		}
		asking.Go(func() {
			running := metrics.Goroutines.WithLabelValues("prioritizing_extender")
			running.Inc()
			defer running.Dec()
			list, weight, err := extender.Prioritize(a.pod(), nodes)
			if err != nil {
				klog.FromContext(ctx).V(5).Info("Extender could not score nodes; it gives no scores", "extender", extender.Name(), "err", err)
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			for _, host := range *list {
				if i, found := index[host.Host]; found {
					// Extenders count to 10 where plugins count to 100.
					score := host.Score * weight * (fwk.MaxScore / extenderv1.MaxExtenderPriority)
					scores[i].Scores = append(scores[i].Scores, fwk.PluginScore{Name: extender.Name(), Score: score})
					scores[i].TotalScore += score
				}
			}
		})
	}
	asking.Wait()
}

// bindByPluginOrExtender binds the pod by the first extender that binds such pods, and otherwise by the Bind plugins.
func (c *Cycle) bindByPluginOrExtender(ctx context.Context, a *attempt, pod *corev1.Pod, node string) *fwk.Status {
	for _, extender := range a.profile.Extenders() {
		if !extender.IsBinder() || !extender.IsInterested(pod) {
			continue
		}
		a.profile.BindQueue().Leave(pod.UID) // It has a way of its own.
		err := extender.Bind(&corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: node},
		})
		if err != nil && extender.IsIgnorable() {
			klog.FromContext(ctx).Info("Extender could not bind the pod; it is left out, as it is ignorable", "extender", extender.Name(), "err", err)
			continue
		}
		return fwk.AsStatus(err)
	}
	return a.profile.RunBindPlugins(ctx, a.state, pod, node)
}
