package placement

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const (
	zones = 3
	// dedicated is the taint of some nodes, and disk the label of others.
	dedicated = "dedicated"
	disk      = "disk"
)

// workload is nodes and pods, with more room than is needed: which pods find a place does not depend on how ties are broken.
type workload struct {
	*rand.Rand
	nodes []*corev1.Node
	pods  []*corev1.Pod
}

func newWorkload(seed uint64) *workload {
	w := &workload{Rand: rand.New(rand.NewPCG(seed, 2))}
	for i := range 18 {
		w.nodes = append(w.nodes, w.node(i))
	}
	w.add("plain", 40, nil)
	w.add("ssd", 12, func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{disk: "ssd"} })
	w.add("tolerant", 12, func(pod *corev1.Pod) {
		pod.Spec.Tolerations = []corev1.Toleration{{Key: dedicated, Operator: corev1.TolerationOpExists}}
	})
	w.add("apart", 10, func(pod *corev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{together("apart", corev1.LabelHostname)},
		}}
	})
	w.add("together", 8, func(pod *corev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{together("together", corev1.LabelTopologyZone)},
		}}
	})
	w.add("even", 14, func(pod *corev1.Pod) {
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "even"}},
		}}
	})
	w.add("port", 6, func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}}
	})
	w.add("giant", 3, func(pod *corev1.Pod) { // fits nowhere
		pod.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("100")
	})
	w.add("picky", 3, func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{disk: "tape"} }) // nor does this
	return w
}

func together(app, key string) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}}
}

func (w *workload) node(i int) *corev1.Node {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i), Labels: map[string]string{
			corev1.LabelHostname: fmt.Sprintf("node-%d", i), corev1.LabelTopologyZone: fmt.Sprintf("zone-%d", i%zones),
			disk: []string{"ssd", "hdd"}[i/zones%2],
		}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewQuantity(4+2*w.Int64N(3), resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity((8+8*w.Int64N(3))<<30, resource.BinarySI),
			corev1.ResourcePods:   resource.MustParse("110"),
		}},
	}
	if i >= 15 {
		node.Spec.Taints = []corev1.Taint{{Key: dedicated, Value: "x", Effect: corev1.TaintEffectNoSchedule}}
	}
	return node
}

// add adds pods of one kind, with requests of their own.
func (w *workload) add(app string, count int, change func(*corev1.Pod)) {
	for i := range count {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", app, i), Labels: map[string]string{"app": app}},
			Spec: corev1.PodSpec{
				TerminationGracePeriodSeconds: ptr.To[int64](0),
				Containers: []corev1.Container{{
					Name: "main", Image: "example.com/main:1",
					Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
						corev1.ResourceCPU:    *resource.NewMilliQuantity(100+100*w.Int64N(4), resource.DecimalSI),
						corev1.ResourceMemory: *resource.NewQuantity((128+128*w.Int64N(4))<<20, resource.BinarySI),
					}},
				}},
			},
		}
		if change != nil {
			change(pod)
		}
		w.pods = append(w.pods, pod)
	}
}
