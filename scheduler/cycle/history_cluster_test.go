package cycle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	upstreamplugins "k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/imagelocality"
	"github.com/orrery-dev/orrery/scheduler/plugins/interpodaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeaffinity"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodename"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeports"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesbalancedallocation"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesfit"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodeunschedulable"
	"github.com/orrery-dev/orrery/scheduler/plugins/podtopologyspread"
	"github.com/orrery-dev/orrery/scheduler/plugins/tainttoleration"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

// kind is a kind of pods.
type kind struct {
	name  string
	dress func(*corev1.Pod)
}

var zoneA = []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
	{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}},
}}}

var podKinds = []kind{
	{"small", func(pod *corev1.Pod) { request(pod, "500m", "256Mi") }},
	{"without requests", func(*corev1.Pod) {}},
	{"without requests, two containers", func(pod *corev1.Pod) {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "b", Image: "web"})
	}},
	{"large, important", func(pod *corev1.Pod) { request(pod, "3", "1Gi"); pod.Spec.Priority = ptr.To[int32](10) }},
	{"too large", func(pod *corev1.Pod) { request(pod, "300", "1Gi") }},
	{"in zone a, rather with a disk, tolerant", func(pod *corev1.Pod) {
		request(pod, "200m", "1Gi")
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: zoneA},
		}}
		pod.Spec.Tolerations = []corev1.Toleration{{Key: "k", Operator: corev1.TolerationOpExists}}
	}},
	{"rather in zone a", func(pod *corev1.Pod) {
		request(pod, "200m", "100Mi")
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 5, Preference: zoneA[0]}, {
				Weight: 3, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disk", Operator: corev1.NodeSelectorOpExists}}},
			}},
		}}
	}},
	{"with a port of the host", func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80, Protocol: corev1.ProtocolTCP}}
	}},
	{"apart from its like", func(pod *corev1.Pod) {
		request(pod, "100m", "100Mi")
		pod.Labels = map[string]string{"app": "apart"}
		pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "apart"}},
			}},
		}}
	}},
	{"too large, apart from others", func(pod *corev1.Pod) {
		request(pod, "300", "1Gi")
		pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "near"}},
			}},
		}}
	}},
	{"kept apart by others", func(pod *corev1.Pod) { pod.Labels = map[string]string{"app": "apart"} }},
	{"spread over zones", func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": "spread"}
		selector := &metav1.LabelSelector{MatchLabels: pod.Labels}
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{
			{MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: selector},
			{MaxSkew: 3, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: selector},
		}
	}},
	{"near its like", func(pod *corev1.Pod) {
		request(pod, "100m", "100Mi")
		pod.Labels = map[string]string{"app": "near"}
		pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey: corev1.LabelTopologyZone, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "near"}},
			}},
		}}
	}},
	{"rather with others, evenly, rather in zone a and with a disk", func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": "spread"}
		pod.Spec.Affinity = &corev1.Affinity{
			PodAffinity: &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
				Weight: 7, PodAffinityTerm: corev1.PodAffinityTerm{
					TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "near"}},
				},
			}}},
			NodeAffinity: &corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 5, Preference: zoneA[0]}, {
				Weight: 3, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disk", Operator: corev1.NodeSelectorOpExists}}},
			}}},
		}
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: &metav1.LabelSelector{MatchLabels: pod.Labels},
		}}
	}},
	{"on a named node", func(pod *corev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{"node-1"}}},
			}}},
		}}
	}},
}

func request(pod *corev1.Pod, cpu, memory string) {
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
	}
}

func args(own bool) map[string]runtime.Object {
	both := []configv1.ResourceSpec{{Name: "cpu", Weight: 1}, {Name: "memory", Weight: 1}}
	args := map[string]runtime.Object{
		noderesourcesfit.Name: &configv1.NodeResourcesFitArgs{
			ScoringStrategy: &configv1.ScoringStrategy{Type: configv1.LeastAllocated, Resources: both},
		},
		noderesourcesbalancedallocation.Name: &configv1.NodeResourcesBalancedAllocationArgs{Resources: both},
		"PodTopologySpread":                  &config.PodTopologySpreadArgs{DefaultingType: config.SystemDefaulting},
		"InterPodAffinity":                   &config.InterPodAffinityArgs{HardPodAffinityWeight: 1},
	}
	if own {
		delete(args, podtopologyspread.Name)
		delete(args, interpodaffinity.Name)
	}
	return args
}

// registry has our plugins about other pods, or kube-scheduler's.
func registry(own bool) framework.Registry {
	registry := framework.Registry{
		nodename.Name: nodename.New, nodeunschedulable.Name: nodeunschedulable.New, tainttoleration.Name: tainttoleration.New,
		nodeaffinity.Name: nodeaffinity.New, nodeports.Name: nodeports.New, noderesourcesfit.Name: noderesourcesfit.New,
		imagelocality.Name: imagelocality.New, noderesourcesbalancedallocation.Name: noderesourcesbalancedallocation.New,
	}
	for _, name := range slices.Concat(edgeNames, otherNames) {
		registry[name] = upstreamplugins.NewInTreeRegistry()[name]
	}
	if own {
		counter := topologycount.New()
		registry[podtopologyspread.Name], registry[interpodaffinity.Name] = podtopologyspread.Factory(counter), interpodaffinity.Factory(counter)
	}
	return registry
}
