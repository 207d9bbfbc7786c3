package plugins_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/internal/plugintest"
)

// cluster is a random cluster and a pod that is to be scheduled on it. The same seed gives the same cluster.
type cluster struct {
	*rand.Rand
	nodes   []*corev1.Node
	running []*corev1.Pod
	pod     *corev1.Pod
	// objects are of other kinds. Plugins find them by informers.
	objects []runtime.Object
}

func newCluster(seed uint64) *cluster {
	w := &cluster{Rand: rand.New(rand.NewPCG(seed, 1))}
	for i := range 1 + w.IntN(5) {
		w.nodes = append(w.nodes, w.node(fmt.Sprintf("node-%d", i)))
	}
	for i := range w.IntN(8) {
		pod := w.newPod(fmt.Sprintf("running-%d", i))
		pod.Spec.NodeName = w.nodes[w.IntN(len(w.nodes))].Name
		w.addStatus(pod)
		w.running = append(w.running, pod)
	}
	w.pod = w.newPod("pending")
	return w
}

// informers know the objects of the cluster, and never start: nothing in it changes.
func (w *cluster) informers(t testing.TB) informers.SharedInformerFactory {
	t.Helper()
	return plugintest.Informers(t, w.objects)
}

func (w *cluster) chance(percent int) bool { return w.IntN(100) < percent }

func pick[T any](w *cluster, choices ...T) T { return choices[w.IntN(len(choices))] }

func some[T any](w *cluster, most int, one func() T) []T {
	var list []T
	for range w.IntN(most + 1) {
		list = append(list, one())
	}
	return list
}

func (w *cluster) node(name string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: w.labels()}}
	node.Spec.Unschedulable = w.chance(20)
	node.Spec.Taints = some(w, 3, w.taint)
	node.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(pick(w, "0", "500m", "1", "2", "3500m")),
		corev1.ResourceMemory: resource.MustParse(pick(w, "0", "512Mi", "1Gi", "3G")),
		corev1.ResourcePods:   *resource.NewQuantity(int64(w.IntN(5)), resource.DecimalSI),
	}
	w.maybe(node.Status.Allocatable, corev1.ResourceEphemeralStorage, "1Gi", "10Gi")
	w.maybe(node.Status.Allocatable, "example.com/gpu", "0", "1", "4")
	w.maybe(node.Status.Allocatable, "hugepages-2Mi", "0", "64Mi")
	for range w.IntN(3) {
		image := pick(w, "web", "db", "reg:5000/job")
		node.Status.Images = append(node.Status.Images, corev1.ContainerImage{
			Names:     []string{image + ":latest", image + ":v1"}[:1+w.IntN(2)],
			SizeBytes: map[string]int64{"web": 40 << 20, "db": 900 << 20, "reg:5000/job": 3 << 30}[image],
		})
	}
	return node
}

func (w *cluster) maybe(list corev1.ResourceList, name corev1.ResourceName, amounts ...string) {
	if w.chance(40) {
		list[name] = resource.MustParse(pick(w, amounts...))
	}
}

func (w *cluster) labels() map[string]string {
	labels := map[string]string{}
	for _, key := range []string{"disk", "zone", "size"} {
		if w.chance(70) {
			labels[key] = w.value()
		}
	}
	return labels
}

func (w *cluster) value() string { return pick(w, "a", "b", "1", "5") }

func (w *cluster) taint() corev1.Taint {
	return corev1.Taint{
		Key:    pick(w, "k", "l", corev1.TaintNodeUnschedulable),
		Value:  w.value(),
		Effect: pick(w, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectPreferNoSchedule),
	}
}

func (w *cluster) toleration() corev1.Toleration {
	toleration := corev1.Toleration{
		Key:      pick(w, "k", "l", corev1.TaintNodeUnschedulable, ""),
		Operator: pick(w, corev1.TolerationOpEqual, corev1.TolerationOpExists, ""),
		Value:    w.value(),
		Effect:   pick(w, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute, corev1.TaintEffectPreferNoSchedule, ""),
	}
	if toleration.Key == "" || toleration.Operator == corev1.TolerationOpExists {
		toleration.Operator, toleration.Value = corev1.TolerationOpExists, ""
	}
	return toleration
}

func (w *cluster) newPod(name string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	pod.Spec.Tolerations = some(w, 3, w.toleration)
	for i := range 1 + w.IntN(2) {
		pod.Spec.Containers = append(pod.Spec.Containers, w.container(fmt.Sprintf("app-%d", i)))
	}
	for i := range w.IntN(3) {
		container := w.container(fmt.Sprintf("init-%d", i))
		if w.chance(50) {
			container.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
		}
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, container)
	}
	if w.chance(20) {
		pod.Spec.Overhead = w.requests()
	}
	if w.chance(20) {
		pod.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{}}
		w.maybe(pod.Spec.Resources.Requests, corev1.ResourceCPU, "200m", "1")
		w.maybe(pod.Spec.Resources.Requests, corev1.ResourceMemory, "256Mi", "2Gi")
	}
	if w.chance(20) {
		image := &corev1.ImageVolumeSource{Reference: pick(w, "web", "db:v1")}
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "image", VolumeSource: corev1.VolumeSource{Image: image}})
	}
	if w.chance(30) {
		pod.Spec.NodeSelector = w.labels()
	}
	if w.chance(50) {
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: w.affinity()}
	}
	if w.chance(10) {
		pod.Spec.NodeName = pick(w, "node-0", "node-1", "node-9")
	}
	for range w.IntN(3) {
		if w.chance(30) {
			pod.Spec.SchedulingGates = append(pod.Spec.SchedulingGates, corev1.PodSchedulingGate{Name: w.value()})
		}
	}
	if w.chance(50) {
		pod.Spec.Priority = ptr.To(w.Int32N(3))
	}
	return pod
}

func (w *cluster) container(name string) corev1.Container {
	container := corev1.Container{Name: name, Image: pick(w, "web", "web:v1", "db", "reg:5000/job", "absent:v2")}
	container.Resources.Requests = w.requests()
	for range w.IntN(3) {
		if w.chance(30) {
			container.Ports = append(container.Ports, corev1.ContainerPort{
				ContainerPort: 80,
				HostPort:      pick[int32](w, 0, 8080, 8081),
				HostIP:        pick(w, "", "0.0.0.0", "10.0.0.1", "10.0.0.2"),
				Protocol:      pick(w, "", corev1.ProtocolTCP, corev1.ProtocolUDP),
			})
		}
	}
	return container
}

func (w *cluster) requests() corev1.ResourceList {
	list := corev1.ResourceList{}
	w.maybe(list, corev1.ResourceCPU, "0", "100m", "750m", "2")
	w.maybe(list, corev1.ResourceMemory, "0", "100Mi", "700M", "2Gi")
	if w.chance(30) {
		w.maybe(list, corev1.ResourceEphemeralStorage, "500Mi", "5Gi")
		w.maybe(list, "example.com/gpu", "0", "1", "2")
		w.maybe(list, "hugepages-2Mi", "32Mi")
	}
	return list
}

// addStatus makes a running pod one that may be in the middle of a resize.
func (w *cluster) addStatus(pod *corev1.Pod) {
	for _, container := range pod.Spec.Containers {
		if !w.chance(50) {
			continue
		}
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name:               container.Name,
			AllocatedResources: w.requests(),
			Resources:          &corev1.ResourceRequirements{Requests: w.requests()},
		})
	}
	if w.chance(20) {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: pick(w, corev1.PodReasonInfeasible, corev1.PodReasonDeferred),
		})
	}
}

func (w *cluster) affinity() *corev1.NodeAffinity {
	affinity := &corev1.NodeAffinity{}
	if w.chance(70) {
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{NodeSelectorTerms: some(w, 2, w.term)}
	}
	affinity.PreferredDuringSchedulingIgnoredDuringExecution = some(w, 3, func() corev1.PreferredSchedulingTerm {
		return corev1.PreferredSchedulingTerm{Weight: w.Int32N(101), Preference: w.term()}
	})
	return affinity
}

func (w *cluster) term() corev1.NodeSelectorTerm {
	term := corev1.NodeSelectorTerm{MatchExpressions: some(w, 2, w.requirement)}
	if w.chance(25) {
		term.MatchFields = some(w, 2, func() corev1.NodeSelectorRequirement {
			return corev1.NodeSelectorRequirement{
				Key:      metav1.ObjectNameField,
				Operator: pick(w, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn),
				Values:   []string{pick(w, "node-0", "node-1", "node-2", "node-9")},
			}
		})
	}
	return term
}

func (w *cluster) requirement() corev1.NodeSelectorRequirement {
	requirement := corev1.NodeSelectorRequirement{Key: pick(w, "disk", "zone", "size"), Values: []string{w.value()}}
	requirement.Operator = pick(w, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
		corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt)
	switch requirement.Operator {
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		requirement.Values = nil
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		requirement.Values = append(requirement.Values, w.value())
	}
	return requirement
}
