package interpodaffinity_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/internal/plugintest"
	"github.com/orrery-dev/orrery/scheduler/plugins/interpodaffinity"
	"github.com/orrery-dev/orrery/scheduler/topologycount"
)

const (
	fits          = ""
	noAffinity    = "node(s) didn't match pod affinity rules"
	antiAffinity  = "node(s) didn't match pod anti-affinity rules"
	existingRules = "node(s) didn't satisfy existing pods anti-affinity rules"
)

// The cluster of all tests: two nodes in zone a, one in zone b and one in none.
func nodes() []*corev1.Node {
	return []*corev1.Node{plugintest.Node("a1", "a"), plugintest.Node("a2", "a"), plugintest.Node("b1", "b"), plugintest.Node("nowhere", "")}
}

type option func(*corev1.Pod)

func pod(name, app string, options ...option) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, UID: types.UID(name), Labels: map[string]string{"app": app},
	}}
	pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}}
	for _, option := range options {
		option(pod)
	}
	return pod
}

func on(node string) option { return func(pod *corev1.Pod) { pod.Spec.NodeName = node } }

func in(namespace string) option { return func(pod *corev1.Pod) { pod.Namespace = namespace } }

func near(terms ...corev1.PodAffinityTerm) option {
	return func(pod *corev1.Pod) {
		pod.Spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution = terms
	}
}

func away(terms ...corev1.PodAffinityTerm) option {
	return func(pod *corev1.Pod) {
		pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = terms
	}
}

func likes(weight int32, term corev1.PodAffinityTerm) option {
	return func(pod *corev1.Pod) {
		list := &pod.Spec.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		*list = append(*list, corev1.WeightedPodAffinityTerm{Weight: weight, PodAffinityTerm: term})
	}
}

func dislikes(weight int32, term corev1.PodAffinityTerm) option {
	return func(pod *corev1.Pod) {
		list := &pod.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		*list = append(*list, corev1.WeightedPodAffinityTerm{Weight: weight, PodAffinityTerm: term})
	}
}

func app(name, key string) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}}
}

func withNamespaces(term corev1.PodAffinityTerm, names ...string) corev1.PodAffinityTerm {
	term.Namespaces = names
	return term
}

func ofTeam(term corev1.PodAffinityTerm, team string) corev1.PodAffinityTerm {
	term.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": team}}
	return term
}

const (
	host = corev1.LabelHostname
	zone = corev1.LabelTopologyZone
)

// profile is a profile with the plugin alone, on the cluster with some pods. Namespace blue is of team blue.
func profile(t *testing.T, args *configv1.InterPodAffinityArgs, running ...*corev1.Pod) *plugintest.Profile {
	t.Helper()
	cluster := plugintest.Cluster{Nodes: nodes(), Pods: running}
	for _, name := range []string{"default", "blue"} {
		cluster.Objects = append(cluster.Objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": name}}})
	}
	if args == nil {
		return plugintest.New(t, interpodaffinity.Name, interpodaffinity.Factory(topologycount.New()), nil, cluster)
	}
	return plugintest.New(t, interpodaffinity.Name, interpodaffinity.Factory(topologycount.New()), args, cluster)
}

func TestFilter(t *testing.T) {
	for _, test := range []struct {
		name    string
		pod     *corev1.Pod
		running []*corev1.Pod
		want    map[string]string
	}{
		{
			"a pod goes to the zone of the pod that it wants near, and not where there is no zone",
			pod("web", "web", near(app("db", zone))), []*corev1.Pod{pod("db", "db", on("a1"))},
			map[string]string{"a1": fits, "a2": fits, "b1": noAffinity, "nowhere": noAffinity},
		},
		{
			"one pod has to match all terms of affinity: two that match one each do not do",
			pod("web", "web", near(app("db", zone), app("cache", zone))),
			[]*corev1.Pod{pod("db", "db", on("a1")), pod("cache", "cache", on("a1"))},
			map[string]string{"a1": noAffinity, "a2": noAffinity, "b1": noAffinity, "nowhere": noAffinity},
		},
		{
			"the first pod of a group that wants to be together may start anywhere with the topology key",
			pod("web", "web", near(app("web", zone))), nil,
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": noAffinity},
		},
		{
			"the second pod of a group goes to the first",
			pod("web-2", "web", near(app("web", zone))), []*corev1.Pod{pod("web-1", "web", on("b1"))},
			map[string]string{"a1": noAffinity, "a2": noAffinity, "b1": fits, "nowhere": noAffinity},
		},
		{
			"a group starts again where its only pod is on a node without the topology key",
			pod("web-2", "web", near(app("web", zone))), []*corev1.Pod{pod("web-1", "web", on("nowhere"))},
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": noAffinity},
		},
		{
			"a pod keeps away from the node, or the zone, of pods that it does not want near",
			pod("web", "web", away(app("web", host), app("db", zone))),
			[]*corev1.Pod{pod("other", "web", on("b1")), pod("db", "db", on("a1"))},
			map[string]string{"a1": antiAffinity, "a2": antiAffinity, "b1": antiAffinity, "nowhere": fits},
		},
		{
			"a pod keeps away from pods that do not want it near, without any terms of its own",
			pod("web", "web"), []*corev1.Pod{pod("db", "db", on("a1"), away(app("web", zone)))},
			map[string]string{"a1": existingRules, "a2": existingRules, "b1": fits, "nowhere": fits},
		},
		{
			"terms are about the pod's own namespace where they name none",
			pod("web", "web", away(app("db", zone))), []*corev1.Pod{pod("db", "db", on("a1"), in("blue"))},
			map[string]string{"a1": fits, "a2": fits, "b1": fits, "nowhere": fits},
		},
		{
			"terms can name namespaces",
			pod("web", "web", away(withNamespaces(app("db", zone), "blue", "absent"))), []*corev1.Pod{pod("db", "db", on("a1"), in("blue"))},
			map[string]string{"a1": antiAffinity, "a2": antiAffinity, "b1": fits, "nowhere": fits},
		},
		{
			"terms can select namespaces by their labels",
			pod("web", "web", away(ofTeam(app("db", zone), "blue"))),
			[]*corev1.Pod{pod("db-1", "db", on("a1"), in("blue")), pod("db-2", "db", on("b1"))},
			map[string]string{"a1": antiAffinity, "a2": antiAffinity, "b1": fits, "nowhere": fits},
		},
		{
			"terms of existing pods select the namespace of the new one by its labels",
			pod("web", "web", in("blue")),
			[]*corev1.Pod{pod("db-1", "db", on("a1"), away(ofTeam(app("web", zone), "red"))), pod("db-2", "db", on("b1"), away(ofTeam(app("web", zone), "blue")))},
			map[string]string{"a1": fits, "a2": fits, "b1": existingRules, "nowhere": fits},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := profile(t, nil, test.running...).Verdicts(test.pod)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("wrong verdicts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPodsOnTrial(t *testing.T) {
	guard := pod("guard", "guard", on("b1"), away(app("web", zone)))
	db := pod("db", "db", on("a1"))
	p := profile(t, nil, guard, db)
	web := pod("web", "web", near(app("db", zone)))
	state, status := p.PreFilter(web)
	if !status.IsSuccess() {
		t.Fatal(status.AsError())
	}
	check := func(what string, state fwk.CycleState, b1 string) {
		t.Helper()
		want := map[string]string{"a1": fits, "a2": fits, "b1": b1, "nowhere": noAffinity}
		if diff := cmp.Diff(want, p.Filter(state, web)); diff != "" {
			t.Errorf("%s: wrong verdicts (-want +got):\n%s", what, diff)
		}
	}
	check("at first", state, noAffinity)
	copied := state.Clone()
	p.Put(copied, web, db, "b1")
	check("with a db in zone b, where a guard is in the way", copied, existingRules)
	p.Take(copied, web, guard)
	check("without the guard", copied, fits)
	check("on what the copy was made of", state, noAffinity)
}

func TestScore(t *testing.T) {
	heavy := &configv1.InterPodAffinityArgs{HardPodAffinityWeight: ptr.To[int32](10)}
	ignoring := &configv1.InterPodAffinityArgs{HardPodAffinityWeight: ptr.To[int32](1), IgnorePreferredTermsOfExistingPods: true}
	broken := pod("web", "web", away(corev1.PodAffinityTerm{TopologyKey: zone, LabelSelector: &metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}},
	}}))
	for _, test := range []struct {
		name    string
		args    *configv1.InterPodAffinityArgs
		pod     *corev1.Pod
		running []*corev1.Pod
		want    map[string]int64 // nil: all are equal, and nothing is scored
	}{
		{
			"prefers the zone of pods that it likes and avoids the node of those that it does not", nil,
			pod("web", "web", likes(10, app("db", zone)), dislikes(4, app("web", host))),
			[]*corev1.Pod{pod("db", "db", on("a1")), pod("other", "web", on("a1")), pod("third", "web", on("b1"))},
			map[string]int64{"a1": 71, "a2": 100, "b1": 0, "nowhere": 28},
		},
		{
			"counts what existing pods like and dislike, their required affinity by the weight in the arguments", heavy,
			pod("web", "web"),
			[]*corev1.Pod{
				pod("db", "db", on("a1"), near(app("web", zone))), pod("fan", "fan", on("a2"), likes(10, app("web", host))),
				pod("foe", "foe", on("b1"), dislikes(20, app("web", zone))),
			},
			map[string]int64{"a1": 75, "a2": 100, "b1": 0, "nowhere": 50},
		},
		{"scores nothing where nobody likes or dislikes anybody", nil, pod("web", "web"), []*corev1.Pod{pod("db", "db", on("a1"))}, nil},
		{
			"ignores existing pods where the arguments say so and the pod prefers nothing itself", ignoring,
			pod("web", "web"), []*corev1.Pod{pod("fan", "fan", on("a1"), likes(10, app("web", host)))}, nil,
		},
		{"does not look at terms that cannot be parsed where there is nothing to score", ignoring, broken, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := profile(t, test.args, test.running...).Scores(test.pod)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("wrong scores (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPodsWithTermsThatCannotBeParsedFitNowhere(t *testing.T) {
	broken := app("web", zone)
	broken.LabelSelector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}}
	_, status := profile(t, nil).PreFilter(pod("web", "web", near(broken), away(broken)))
	want := `parsing pod: [requiredAffinityTerms: "Like" is not a valid label selector operator, requiredAntiAffinityTerms: "Like" is not a valid label selector operator]`
	if status.Code() != fwk.UnschedulableAndUnresolvable || status.Message() != want {
		t.Errorf("got %s %q, want %s %q", status.Code(), status.Message(), fwk.UnschedulableAndUnresolvable, want)
	}
}

func TestSign(t *testing.T) {
	for _, test := range []struct {
		name   string
		args   *configv1.InterPodAffinityArgs
		pod    *corev1.Pod
		want   fwk.Code
		labels bool
	}{
		{"a pod with inter-pod affinity cannot be signed", &configv1.InterPodAffinityArgs{}, pod("web", "web", near(app("db", zone))), fwk.Unschedulable, false},
		{"of another pod the labels count", &configv1.InterPodAffinityArgs{}, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}}, fwk.Success, true},
		{
			"but not where the terms of existing pods are ignored", &configv1.InterPodAffinityArgs{IgnorePreferredTermsOfExistingPods: true},
			&corev1.Pod{}, fwk.Success, false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			plugin, err := interpodaffinity.Factory(topologycount.New())(t.Context(), test.args, profile(t, nil))
			if err != nil {
				t.Fatal(err)
			}
			fragments, status := plugin.(fwk.SignPlugin).SignPod(t.Context(), test.pod)
			if status.Code() != test.want || (len(fragments) > 0) != test.labels {
				t.Errorf("signed as %v with %s, want labels: %t and %s", fragments, status.Code(), test.labels, test.want)
			}
		})
	}
}
