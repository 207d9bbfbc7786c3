package scheduler_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// nodeIn creates a node in a zone.
func (p *plane) nodeIn(zone, name string) *ocorev1.Node {
	p.t.Helper()
	node := p.node(name, "8")
	p.change(node, func() {
		node.Labels = map[string]string{corev1.LabelHostname: name, corev1.LabelTopologyZone: zone}
	})
	return node
}

func labelled(app string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) { pod.Labels = map[string]string{"app": app} }
}

func selecting(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func awayFrom(app, key string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{LabelSelector: selecting(app), TopologyKey: key}},
		}}
	}
}

func nearTo(app, key string) func(*ocorev1.Pod) {
	return func(pod *ocorev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{LabelSelector: selecting(app), TopologyKey: key}},
		}}
	}
}

func TestPodsThatDependOnPods(t *testing.T) {
	t.Run("keeps pods apart that do not want each other, until one of them goes", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.nodeIn("a", "apart-1")
			p.nodeIn("b", "apart-2")
			first := p.pod("web-1", "100m", labelled("web"), awayFrom("web", corev1.LabelHostname))
			second := p.pod("web-2", "100m", labelled("web"), awayFrom("web", corev1.LabelHostname))
			p.eventuallyBound(first, "")
			p.eventuallyBound(second, "")
			if first.Spec.NodeName == second.Spec.NodeName {
				t.Errorf("both pods are on node %s", first.Spec.NodeName)
			}
			third := p.pod("web-3", "100m", labelled("web"), awayFrom("web", corev1.LabelHostname))
			p.eventuallyUnschedulable(third, "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. "+
				"preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.")
			free := first.Spec.NodeName
			if err := p.client.Delete(t.Context(), first, client.GracePeriodSeconds(0)); err != nil {
				t.Fatal(err)
			}
			p.eventuallyBound(third, free)
		})
	})
	t.Run("brings a pod to the zone of the pod that it wants near, once that is there", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.nodeIn("a", "near-1")
			p.nodeIn("b", "near-2")
			web := p.pod("web", "100m", labelled("web"), nearTo("db", corev1.LabelTopologyZone))
			p.eventuallyUnschedulable(web, "0/2 nodes are available: 2 node(s) didn't match pod affinity rules. "+
				"preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.")
			db := p.pod("db", "100m", labelled("db"))
			p.eventuallyBound(db, "")
			p.eventuallyBound(web, db.Spec.NodeName)
		})
	})
	t.Run("finds pods in namespaces by the labels of these", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.nodeIn("a", "team-1")
			p.eventuallyBound(p.pod("db", "100m", labelled("db")), "team-1")
			web := p.pod("web", "100m", awayFrom("db", corev1.LabelHostname), func(pod *ocorev1.Pod) {
				term := &pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0]
				term.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: p.namespace}}
			})
			p.eventuallyUnschedulable(web, "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. "+
				"preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.")
		})
	})
	t.Run("spreads pods over zones, and says so where it cannot", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			p.nodeIn("a", "spread-1")
			p.nodeIn("a", "spread-2")
			lonely := p.nodeIn("b", "spread-3")
			spread := func(pod *ocorev1.Pod) {
				pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
					MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: selecting("web"),
				}}
			}
			inZone := map[string]int{}
			for i := range 6 {
				pod := p.pod(fmt.Sprintf("web-%d", i), "100m", labelled("web"), spread)
				p.eventuallyBound(pod, "")
				if pod.Spec.NodeName == lonely.Name {
					inZone["b"]++
				} else {
					inZone["a"]++
				}
			}
			if inZone["a"] != 3 || inZone["b"] != 3 {
				t.Errorf("pods by zone are %v, want 3 in each", inZone)
			}
			p.change(lonely, func() { lonely.Spec.Unschedulable = true })
			p.eventuallyBound(p.pod("web-6", "100m", labelled("web"), spread), "")
			p.eventuallyUnschedulable(p.pod("web-7", "100m", labelled("web"), spread),
				"0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints. "+
					"preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.")
		})
	})
}
