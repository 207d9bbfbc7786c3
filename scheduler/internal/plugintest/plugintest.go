// Package plugintest runs one plugin on a small cluster, as the only one of its profile. It is for the tests of plugins.
package plugintest

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/defaultbinder"
	"github.com/orrery-dev/orrery/scheduler/plugins/prioritysort"
)

// Cluster is what the plugin finds.
type Cluster struct {
	Nodes []*corev1.Node
	// Pods are on the nodes that they name.
	Pods []*corev1.Pod
	// Objects are of other kinds, which plugins find by informers.
	Objects []runtime.Object
}

// Node is a node with the labels of its host name and, unless that is empty, of its zone.
func Node(name, zone string) *corev1.Node {
	labels := map[string]string{corev1.LabelHostname: name}
	if zone != "" {
		labels[corev1.LabelTopologyZone] = zone
	}
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

// Profile is a profile with one plugin, and the snapshot that it sees.
type Profile struct {
	*framework.Framework
	Snapshot *cache.Snapshot
	t        *testing.T
}

// New builds the plugin with its arguments; nil stands for none.
func New(t *testing.T, name string, factory framework.Factory, args runtime.Object, cluster Cluster) *Profile {
	t.Helper()
	registry := framework.Registry{
		prioritysort.Name:  prioritysort.New, // Each profile has to have one of these two.
		defaultbinder.Name: defaultbinder.Factory(nil, nil),
		name:               factory,
	}
	profile := framework.Profile{Plugins: &configv1.Plugins{}, Args: map[string]runtime.Object{}}
	for _, name := range registry.Names() {
		profile.Plugins.MultiPoint.Enabled = append(profile.Plugins.MultiPoint.Enabled, configv1.Plugin{Name: name})
	}
	if args != nil {
		profile.Args[name] = args
	}
	p := &Profile{Snapshot: snapshotOf(t, cluster), t: t}
	var err error
	p.Framework, err = framework.New(t.Context(), registry, profile,
		framework.Environment{Snapshot: p.Snapshot, Informers: Informers(t, cluster.Objects)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func snapshotOf(t *testing.T, cluster Cluster) *cache.Snapshot {
	t.Helper()
	c, snapshot := cache.New(0), &cache.Snapshot{}
	for _, node := range cluster.Nodes {
		c.AddNode(node)
	}
	for _, pod := range cluster.Pods {
		if err := c.AddPod(pod); err != nil {
			t.Fatal(err)
		}
	}
	c.Update(snapshot)
	return snapshot
}

// Informers returns informers that know the objects and never start.
func Informers(t testing.TB, objects []runtime.Object) informers.SharedInformerFactory {
	t.Helper()
	factory := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	for _, object := range objects {
		kinds, _, err := clientgoscheme.Scheme.ObjectKinds(object)
		if err != nil {
			t.Fatal(err)
		}
		resource, _ := meta.UnsafeGuessKindToResource(kinds[0])
		informer, err := factory.ForResource(resource)
		if err != nil {
			t.Fatal(err)
		}
		if err := informer.Informer().GetIndexer().Add(object); err != nil {
			t.Fatal(err)
		}
	}
	return factory
}

// PreFilter starts the attempt to schedule a pod.
func (p *Profile) PreFilter(pod *corev1.Pod) (*framework.CycleState, *fwk.Status) {
	state := framework.NewCycleState(false)
	_, status, _ := p.RunPreFilterPlugins(p.t.Context(), state, pod)
	return state, status
}

// Filter returns the message with which each node is refused, which is empty for one that fits.
func (p *Profile) Filter(state fwk.CycleState, pod *corev1.Pod) map[string]string {
	verdicts := map[string]string{}
	for _, node := range p.Snapshot.Nodes() {
		verdicts[node.Node().Name] = p.RunFilterPlugins(p.t.Context(), state, pod, node).Message()
	}
	return verdicts
}

// Verdicts is PreFilter and Filter in one. PreFilter has to succeed or skip.
func (p *Profile) Verdicts(pod *corev1.Pod) map[string]string {
	p.t.Helper()
	state, status := p.PreFilter(pod)
	if !status.IsSuccess() {
		p.t.Fatal(status.AsError())
	}
	return p.Filter(state, pod)
}

// Scores returns the normalized score of each node, or nil where the plugin skips the pod.
func (p *Profile) Scores(pod *corev1.Pod) map[string]int64 {
	p.t.Helper()
	state, nodes := framework.NewCycleState(false), p.Snapshot.Nodes()
	if status := p.RunPreScorePlugins(p.t.Context(), state, pod, nodes); !status.IsSuccess() {
		p.t.Fatal(status.AsError())
	}
	scores, status := p.RunScorePlugins(p.t.Context(), state, pod, nodes)
	if !status.IsSuccess() {
		p.t.Fatal(status.AsError())
	}
	var result map[string]int64
	for _, node := range scores {
		for _, score := range node.Scores {
			if result == nil {
				result = map[string]int64{}
			}
			result[node.Name] = score.Score
		}
	}
	return result
}

// Node returns a node of the snapshot, as a copy that may be changed.
func (p *Profile) Node(name string) fwk.NodeInfo {
	p.t.Helper()
	node, err := p.Snapshot.Get(name)
	if err != nil {
		p.t.Fatal(err)
	}
	return node.Snapshot()
}

// Put counts a pod of the cluster as being on a node, in the state.
func (p *Profile) Put(state fwk.CycleState, pod, other *corev1.Pod, node string) {
	p.t.Helper()
	if status := p.RunPreFilterExtensionAddPod(p.t.Context(), state, pod, p.find(other), p.Node(node)); !status.IsSuccess() {
		p.t.Fatal(status.AsError())
	}
}

// Take counts a pod of the cluster as not being on its node, in the state.
func (p *Profile) Take(state fwk.CycleState, pod, other *corev1.Pod) {
	p.t.Helper()
	status := p.RunPreFilterExtensionRemovePod(p.t.Context(), state, pod, p.find(other), p.Node(other.Spec.NodeName))
	if !status.IsSuccess() {
		p.t.Fatal(status.AsError())
	}
}

func (p *Profile) find(pod *corev1.Pod) fwk.PodInfo {
	p.t.Helper()
	for _, info := range p.Node(pod.Spec.NodeName).GetPods() {
		if info.GetPod() == pod {
			return info
		}
	}
	p.t.Fatal(fmt.Errorf("pod %s is not on node %s", pod.Name, pod.Spec.NodeName))
	return nil
}
