package podtopologyspread_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/internal/plugintest"
	"github.com/orrery-dev/orrery/scheduler/plugins/podtopologyspread"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

const (
	fits    = ""
	skewed  = "node(s) didn't match pod topology spread constraints"
	noLabel = skewed + " (missing required label)"

	host = corev1.LabelHostname
	zone = corev1.LabelTopologyZone
)

// The cluster of all tests: two nodes in zone a, one in zone b and one in none. The one in zone b is tainted.
func nodes() []*corev1.Node {
	b1 := plugintest.Node("b1", "b")
	b1.Spec.Taints = []corev1.Taint{{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}}
	return []*corev1.Node{plugintest.Node("a1", "a"), plugintest.Node("a2", "a"), b1, plugintest.Node("nowhere", "")}
}

func pod(name, app string, constraints ...corev1.TopologySpreadConstraint) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, UID: types.UID(name), Labels: map[string]string{"app": app, "version": "1"},
	}}
	pod.Spec.TopologySpreadConstraints = constraints
	return pod
}

// pods returns a number of pods of an app on a node.
func pods(app, node string, number int, changes ...func(*corev1.Pod)) []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range number {
		pod := pod(fmt.Sprintf("%s-%s-%d", app, node, i), app)
		pod.Spec.NodeName = node
		for _, change := range changes {
			change(pod)
		}
		pods = append(pods, pod)
	}
	return pods
}

func spread(maxSkew int32, key string, changes ...func(*corev1.TopologySpreadConstraint)) corev1.TopologySpreadConstraint {
	constraint := corev1.TopologySpreadConstraint{
		MaxSkew: maxSkew, TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
	}
	for _, change := range changes {
		change(&constraint)
	}
	return constraint
}

func softly(c *corev1.TopologySpreadConstraint) { c.WhenUnsatisfiable = corev1.ScheduleAnyway }

func withoutSelector(c *corev1.TopologySpreadConstraint) { c.LabelSelector = nil }

func profile(t *testing.T, args *configv1.PodTopologySpreadArgs, cluster plugintest.Cluster) *plugintest.Profile {
	t.Helper()
	cluster.Nodes = nodes()
	return plugintest.New(t, podtopologyspread.Name, podtopologyspread.Factory(topologycount.New()), args, cluster)
}

func TestFilter(t *testing.T) {
	selecting := func(pod *corev1.Pod) *corev1.Pod {
		pod.Spec.NodeSelector = map[string]string{zone: "a"}
		return pod
	}
	for _, test := range []struct {
		name    string
		pod     *corev1.Pod
		running []*corev1.Pod
		want    map[string]string
	}{
		{
			"a zone does not get more than maxSkew pods more than the one with the fewest",
			pod("web", "web", spread(1, zone)), pods("web", "a1", 1),
			map[string]string{"a1": skewed, "a2": skewed, "b1": fits, "nowhere": noLabel},
		},
		{
			"a pod that does not match its own selector does not add to the skew",
			pod("job", "job", spread(1, zone)), pods("web", "a1", 1),
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": noLabel},
		},
		{
			"pods of other namespaces, pods that do not match and pods that are being deleted do not count",
			pod("web", "web", spread(1, zone)),
			append(append(pods("db", "a1", 3), pods("web", "a1", 1, func(pod *corev1.Pod) { pod.Namespace = "other" })...),
				pods("web", "a2", 1, func(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{} })...),
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": noLabel},
		},
		{
			"with fewer domains than minDomains, none gets more than maxSkew",
			pod("web", "web", spread(1, zone, func(c *corev1.TopologySpreadConstraint) { c.MinDomains = ptr.To[int32](3) })),
			append(pods("web", "a1", 1), pods("web", "b1", 1)...),
			map[string]string{"a1": skewed, "a2": skewed, "b1": skewed, "nowhere": noLabel},
		},
		{
			"zones that the pod's node selector excludes do not count",
			selecting(pod("web", "web", spread(1, zone))), pods("web", "a1", 3),
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": noLabel},
		},
		{
			"but they do when nodeAffinityPolicy is Ignore",
			selecting(pod("web", "web", spread(1, zone, func(c *corev1.TopologySpreadConstraint) {
				c.NodeAffinityPolicy = ptr.To(corev1.NodeInclusionPolicyIgnore)
			}))), pods("web", "a1", 3),
			map[string]string{"a1": skewed, "a2": skewed, "b1": fits, "nowhere": noLabel},
		},
		{
			"zones whose taints the pod does not tolerate do not count when nodeTaintsPolicy is Honor",
			pod("web", "web", spread(1, zone, func(c *corev1.TopologySpreadConstraint) {
				c.NodeTaintsPolicy = ptr.To(corev1.NodeInclusionPolicyHonor)
			})), pods("web", "a1", 3),
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": noLabel},
		},
		{
			"matchLabelKeys keep the pods of another version out of the count",
			pod("web", "web", spread(1, zone, func(c *corev1.TopologySpreadConstraint) { c.MatchLabelKeys = []string{"version"} })),
			pods("web", "a1", 3, func(pod *corev1.Pod) { pod.Labels["version"] = "0" }),
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": noLabel},
		},
		{
			"all constraints have to hold, and only nodes with all keys are counted",
			pod("web", "web", spread(1, zone), spread(1, host)), append(pods("web", "a1", 1), pods("web", "b1", 1)...),
			map[string]string{"a1": skewed, "a2": fits, "b1": skewed, "nowhere": noLabel},
		},
		{
			"soft constraints refuse nothing",
			pod("web", "web", spread(1, zone, softly)), pods("web", "a1", 9),
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": fits},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := profile(t, &configv1.PodTopologySpreadArgs{}, plugintest.Cluster{Pods: test.running}).Verdicts(test.pod)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("wrong verdicts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPodsOnTrial(t *testing.T) {
	inA, inB := pods("web", "a1", 2), pods("web", "b1", 1)
	p := profile(t, &configv1.PodTopologySpreadArgs{}, plugintest.Cluster{Pods: append(inA, inB...)})
	web := pod("web", "web", spread(1, zone))
	state, status := p.PreFilter(web)
	if !status.IsSuccess() {
		t.Fatal(status.AsError())
	}
	check := func(what string, state fwk.CycleState, a, b string) {
		t.Helper()
		want := map[string]string{"a1": a, "a2": a, "b1": b, "nowhere": noLabel}
		if diff := cmp.Diff(want, p.Filter(state, web)); diff != "" {
			t.Errorf("%s: wrong verdicts (-want +got):\n%s", what, diff)
		}
	}
	check("with 2 and 1", state, skewed, fits)
	copied := state.Clone()
	p.Take(copied, web, inA[0])
	check("with 1 and 1", copied, fits, fits)
	p.Take(copied, web, inA[1])
	check("with 0 and 1", copied, fits, skewed)
	p.Put(copied, web, inA[0], "nowhere")
	check("with one more where there is no zone", copied, fits, skewed)
	p.Take(copied, web, inB[0])
	check("with none at all, though two zones changed", copied, fits, fits)
	check("on what the copy was made of", state, skewed, fits)
}

func TestScore(t *testing.T) {
	for _, test := range []struct {
		name    string
		pod     *corev1.Pod
		running []*corev1.Pod
		want    map[string]int64 // nil: nothing is scored
	}{
		{
			"prefers zones with fewer pods, and gives nothing to nodes without the key",
			pod("web", "web", spread(1, zone, softly)), append(pods("web", "a1", 3), pods("web", "b1", 1)...),
			map[string]int64{"a1": 25, "a2": 25, "b1": 100, "nowhere": 0},
		},
		{
			"counts by node where the key is the host name",
			pod("web", "web", spread(1, host, softly)), append(pods("web", "a1", 2), pods("web", "b1", 1)...),
			map[string]int64{"a1": 0, "a2": 100, "b1": 50, "nowhere": 100},
		},
		{
			"differences weigh less where maxSkew allows more of them",
			pod("web", "web", spread(5, zone, softly)), append(pods("web", "a1", 3), pods("web", "b1", 1)...),
			map[string]int64{"a1": 62, "a2": 62, "b1": 100, "nowhere": 0},
		},
		{
			"all nodes are equally good where there are no pods yet",
			pod("web", "web", spread(1, zone, softly)), nil,
			map[string]int64{"a1": 100, "a2": 100, "b1": 100, "nowhere": 0},
		},
		{"hard constraints score nothing", pod("web", "web", spread(1, zone)), pods("web", "a1", 3), nil},
		{"nor does a pod without constraints that belongs to nothing", pod("web", "web"), pods("web", "a1", 3), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := profile(t, &configv1.PodTopologySpreadArgs{}, plugintest.Cluster{Pods: test.running}).Scores(test.pod)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("wrong scores (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaultConstraints(t *testing.T) {
	list := &configv1.PodTopologySpreadArgs{
		DefaultingType: configv1.ListDefaulting, DefaultConstraints: []corev1.TopologySpreadConstraint{spread(1, zone, withoutSelector)},
	}
	owned := func(version, kind string) *corev1.Pod {
		pod := pod("web", "web")
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: version, Kind: kind, Name: "web", Controller: ptr.To(true)}}
		return pod
	}
	name, web := metav1.ObjectMeta{Namespace: "default", Name: "web"}, map[string]string{"app": "web"}
	selector := &metav1.LabelSelector{MatchLabels: web}
	skewedInA := map[string]string{"a1": skewed, "a2": skewed, "b1": fits, "nowhere": noLabel}
	anywhere := map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": fits}
	for _, test := range []struct {
		name   string
		pod    *corev1.Pod
		object runtime.Object
		want   map[string]string
	}{
		{"are for the pods of a Service", pod("web", "web"), &corev1.Service{ObjectMeta: name, Spec: corev1.ServiceSpec{Selector: web}}, skewedInA},
		{"are not for pods that no Service selects", pod("db", "db"), &corev1.Service{ObjectMeta: name, Spec: corev1.ServiceSpec{Selector: web}}, anywhere},
		{"are not for a Service that selects nothing", pod("web", "web"), &corev1.Service{ObjectMeta: name}, anywhere},
		{"are for the pods of a ReplicaSet", owned("apps/v1", "ReplicaSet"), &appsv1.ReplicaSet{ObjectMeta: name, Spec: appsv1.ReplicaSetSpec{Selector: selector}}, skewedInA},
		{"are so under its other name, too", owned("apps.orrery.dev/v1", "ReplicaSet"), &appsv1.ReplicaSet{ObjectMeta: name, Spec: appsv1.ReplicaSetSpec{Selector: selector}}, skewedInA},
		{"are for the pods of a StatefulSet", owned("apps/v1", "StatefulSet"), &appsv1.StatefulSet{ObjectMeta: name, Spec: appsv1.StatefulSetSpec{Selector: selector}}, skewedInA},
		{"are for the pods of a ReplicationController", owned("v1", "ReplicationController"), &corev1.ReplicationController{ObjectMeta: name, Spec: corev1.ReplicationControllerSpec{Selector: web}}, skewedInA},
		{"are not for the pods of other controllers", owned("batch/v1", "Job"), nil, anywhere},
		{"do not add to constraints of the pod's own", pod("web", "web", spread(9, host)), &corev1.Service{ObjectMeta: name, Spec: corev1.ServiceSpec{Selector: web}}, anywhere},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := plugintest.Cluster{Pods: pods("web", "a1", 1)}
			if test.object != nil {
				cluster.Objects = []runtime.Object{test.object}
			}
			if diff := cmp.Diff(test.want, profile(t, list, cluster).Verdicts(test.pod)); diff != "" {
				t.Errorf("wrong verdicts (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("of the system prefer other nodes and zones, also among nodes without a zone", func(t *testing.T) {
		cluster := plugintest.Cluster{Pods: append(pods("web", "a1", 4), pods("web", "nowhere", 1)...), Objects: []runtime.Object{
			&corev1.Service{ObjectMeta: name, Spec: corev1.ServiceSpec{Selector: web}},
		}}
		want := map[string]int64{"a1": 20, "a2": 60, "b1": 90, "nowhere": 100}
		if diff := cmp.Diff(want, profile(t, &configv1.PodTopologySpreadArgs{}, cluster).Scores(pod("web", "web"))); diff != "" {
			t.Errorf("wrong scores (-want +got):\n%s", diff)
		}
	})
}

func TestSign(t *testing.T) {
	none := &configv1.PodTopologySpreadArgs{DefaultingType: configv1.ListDefaulting}
	for _, test := range []struct {
		name string
		args *configv1.PodTopologySpreadArgs
		pod  *corev1.Pod
		want fwk.Code
	}{
		{"a pod with constraints cannot be signed", none, pod("web", "web", spread(1, zone)), fwk.Unschedulable},
		{"nor can any where the profile has constraints", &configv1.PodTopologySpreadArgs{}, pod("web", "web"), fwk.Unschedulable},
		{"otherwise nothing of the pod matters", none, pod("web", "web"), fwk.Success},
	} {
		t.Run(test.name, func(t *testing.T) {
			plugin, err := podtopologyspread.Factory(topologycount.New())(t.Context(), test.args, profile(t, test.args, plugintest.Cluster{}))
			if err != nil {
				t.Fatal(err)
			}
			fragments, status := plugin.(fwk.SignPlugin).SignPod(t.Context(), test.pod)
			if status.Code() != test.want || fragments != nil {
				t.Errorf("signed as %v with %s, want none and %s", fragments, status.Code(), test.want)
			}
		})
	}
}
