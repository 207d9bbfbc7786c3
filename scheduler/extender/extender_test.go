package extender_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	configv1 "k8s.io/kube-scheduler/config/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/cache"
	"github.com/orrery-dev/orrery/scheduler/extender"
)

// program answers every question with one text, and remembers the last one.
type program struct {
	*httptest.Server
	path, question string
}

func answering(t *testing.T, code int, answer string) *program {
	t.Helper()
	p := &program{}
	p.Server = httptest.NewServer(p.handler(t, code, answer))
	t.Cleanup(p.Close)
	return p
}

func (p *program) handler(t *testing.T, code int, answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		question, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("asked by %s with %s, want POST with JSON", r.Method, r.Header.Get("Content-Type"))
		}
		p.path, p.question = r.URL.Path, string(question)
		w.WriteHeader(code)
		if _, err := io.WriteString(w, answer); err != nil {
			t.Error(err)
		}
	}
}

// read reads the question that was asked last.
func read[T any](t *testing.T, p *program) T {
	t.Helper()
	var question T
	if err := json.Unmarshal([]byte(p.question), &question); err != nil {
		t.Fatalf("asked %q: %v", p.question, err)
	}
	return question
}

func verbs(url string) configv1.Extender {
	return configv1.Extender{URLPrefix: url, FilterVerb: "filter", PrioritizeVerb: "prioritize", PreemptVerb: "preempt", BindVerb: "bind", Weight: 3}
}

func build(t *testing.T, config configv1.Extender) *extender.Extender {
	t.Helper()
	e, err := extender.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// cluster is three nodes, of which the first has two pods.
func cluster(t *testing.T) *cache.Snapshot {
	t.Helper()
	c, snapshot := cache.New(0), &cache.Snapshot{}
	for _, name := range []string{"n1", "n2", "n3"} {
		c.AddNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	for _, name := range []string{"a", "b"} {
		if err := c.AddPod(named(name, func(pod *corev1.Pod) { pod.Spec.NodeName = "n1" })); err != nil {
			t.Fatal(err)
		}
	}
	c.Update(snapshot)
	return snapshot
}

func named(name string, changes ...func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	for _, change := range changes {
		change(pod)
	}
	return pod
}

func nodeNames(nodes []fwk.NodeInfo) []string {
	var names []string
	for _, node := range nodes {
		names = append(names, node.Node().Name)
	}
	return names
}

func TestFilter(t *testing.T) {
	for _, test := range []struct {
		name   string
		cached bool
		answer string
		want   []string
		fails  string
	}{
		{"passes the nodes that come back", false, `{"Nodes": {"items": [{"metadata": {"name": "n3"}}, {"metadata": {"name": "n1"}}]}}`, []string{"n3", "n1"}, ""},
		{"passes the names that come back", true, `{"NodeNames": ["n2"]}`, []string{"n2"}, ""},
		{"passes the nodes that come back instead of names", true, `{"Nodes": {"items": [{"metadata": {"name": "n3"}}]}}`, []string{"n3"}, ""},
		{"takes no names where it sent nodes", false, `{"NodeNames": ["n2"]}`, nil, ""},
		{"passes nothing where nothing comes back", false, `{}`, nil, ""},
		{"refuses a node that was not asked about", true, `{"NodeNames": ["n9"]}`, nil, `it claims a filtered node "n9" which is not found in the input node list`},
		{"fails with what the extender says", true, `{"NodeNames": ["n1"], "Error": "out of licences"}`, nil, "out of licences"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := answering(t, http.StatusOK, test.answer)
			config := verbs(p.URL + "/scheduling/")
			config.NodeCacheCapable = test.cached
			snapshot := cluster(t)
			passed, _, _, err := build(t, config).Filter(named("pending"), snapshot.Nodes())
			if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
				t.Fatalf("got the error %v, want %q", err, test.fails)
			}
			if diff := cmp.Diff(test.want, nodeNames(passed)); diff != "" {
				t.Errorf("nodes differ (-want +got):\n%s", diff)
			}
			for _, node := range passed {
				if same, _ := snapshot.Get(node.Node().Name); same != node {
					t.Errorf("node %s is not the snapshot's, which knows its pods", node.Node().Name)
				}
			}
			question := read[extenderv1.ExtenderArgs](t, p)
			if p.path != "/scheduling/filter" || question.Pod.Name != "pending" || (question.NodeNames != nil) != test.cached || (question.Nodes != nil) == test.cached {
				t.Errorf("asked %s %s", p.path, p.question)
			}
		})
	}
	t.Run("tells what can be resolved from what cannot", func(t *testing.T) {
		p := answering(t, http.StatusOK, `{"NodeNames": [], "FailedNodes": {"n1": "no disk"}, "FailedAndUnresolvableNodes": {"n2": "no driver"}}`)
		config := verbs(p.URL)
		config.NodeCacheCapable = true
		_, failed, unresolvable, err := build(t, config).Filter(named("pending"), cluster(t).Nodes())
		if err != nil || failed["n1"] != "no disk" || unresolvable["n2"] != "no driver" {
			t.Errorf("got %v, %v and the error %v", failed, unresolvable, err)
		}
	})
	t.Run("lets all pass where it has no verb", func(t *testing.T) {
		passed, _, _, err := build(t, configv1.Extender{URLPrefix: "http://127.0.0.1:1"}).Filter(named("pending"), cluster(t).Nodes())
		if err != nil || len(passed) != 3 {
			t.Errorf("got %v and the error %v", nodeNames(passed), err)
		}
	})
}

func TestPrioritize(t *testing.T) {
	p := answering(t, http.StatusOK, `[{"Host": "n1", "Score": 4}, {"Host": "n2", "Score": 10}]`)
	scores, weight, err := build(t, verbs(p.URL)).Prioritize(named("pending"), cluster(t).Nodes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&extenderv1.HostPriorityList{{Host: "n1", Score: 4}, {Host: "n2", Score: 10}}, scores); diff != "" || weight != 3 {
		t.Errorf("got the weight %d, and scores differ (-want +got):\n%s", weight, diff)
	}
	scores, weight, err = build(t, configv1.Extender{URLPrefix: p.URL}).Prioritize(named("pending"), cluster(t).Nodes())
	if err != nil || weight != 0 || len(*scores) != 3 || (*scores)[2] != (extenderv1.HostPriority{Host: "n3"}) {
		t.Errorf("without a verb: got %v, %d and the error %v", scores, weight, err)
	}
}

func TestBind(t *testing.T) {
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1"}, Target: corev1.ObjectReference{Name: "n1"}}
	p := answering(t, http.StatusOK, `{}`)
	if err := build(t, verbs(p.URL)).Bind(binding); err != nil {
		t.Fatal(err)
	}
	want := extenderv1.ExtenderBindingArgs{PodName: "web", PodNamespace: "default", PodUID: "1", Node: "n1"}
	if diff := cmp.Diff(want, read[extenderv1.ExtenderBindingArgs](t, p)); diff != "" {
		t.Errorf("the question differs (-want +got):\n%s", diff)
	}
	p = answering(t, http.StatusOK, `{"Error": "the node is locked"}`)
	err := build(t, verbs(p.URL)).Bind(binding)
	if want := "binding pod default/web to node n1 by extender " + p.URL + ": the node is locked"; err == nil || err.Error() != want {
		t.Errorf("got the error %v, want %s", err, want)
	}
}

func TestProcessPreemption(t *testing.T) {
	proposed := map[string]*extenderv1.Victims{"n1": {Pods: []*corev1.Pod{named("a")}, NumPDBViolations: 1}}
	for _, test := range []struct {
		name   string
		answer string
		want   []string // the victims on n1
		fails  string
	}{
		{"takes other victims on the node", `{"NodeNameToMetaVictims": {"n1": {"Pods": [{"UID": "b"}, {"UID": "a"}], "NumPDBViolations": 2}}}`, []string{"b", "a"}, ""},
		{"takes that there are no candidates", `{"NodeNameToMetaVictims": {}}`, nil, ""},
		{"refuses a victim that is not on the node", `{"NodeNameToMetaVictims": {"n1": {"Pods": [{"UID": "c"}]}}}`, nil, "it claims to preempt pod (UID: c) on node n1, but the pod is not found on that node"},
		{"refuses a node that there is not", `{"NodeNameToMetaVictims": {"n9": {"Pods": [{"UID": "c"}]}}}`, nil, `nodeinfo not found for node name "n9"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := answering(t, http.StatusOK, test.answer)
			config := verbs(p.URL)
			for _, config.NodeCacheCapable = range []bool{true, false} {
				agreed, err := build(t, config).ProcessPreemption(named("pending"), proposed, cluster(t))
				if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
					t.Fatalf("got the error %v, want %q", err, test.fails)
				}
				var got []string
				if victims := agreed["n1"]; victims != nil {
					for _, pod := range victims.Pods {
						got = append(got, pod.Name)
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("victims differ (-want +got):\n%s", diff)
				}
				question := read[extenderv1.ExtenderPreemptionArgs](t, p)
				if config.NodeCacheCapable && question.NodeNameToMetaVictims["n1"].Pods[0].UID != "a" ||
					!config.NodeCacheCapable && question.NodeNameToVictims["n1"].Pods[0].Name != "a" {
					t.Errorf("asked %s", p.question)
				}
			}
		})
	}
}

func TestWhatFailsNamesTheExtender(t *testing.T) {
	refused := func(t *testing.T) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := listener.Close(); err != nil {
				t.Error(err)
			}
		}()
		return "http://" + listener.Addr().String()
	}
	silent := func(t *testing.T) string {
		release := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		t.Cleanup(server.Close)
		t.Cleanup(func() { close(release) })
		return server.URL
	}
	for _, test := range []struct {
		name string
		url  func(*testing.T) string
		want string
	}{
		{"when nobody listens", refused, "connection refused"},
		{"when no answer comes in time", silent, "Client.Timeout exceeded"},
		{"when the answer is not JSON", func(t *testing.T) string { return answering(t, http.StatusOK, "<html>").URL }, "invalid character '<'"},
		{"when the answer is other JSON", func(t *testing.T) string { return answering(t, http.StatusOK, `"yes"`).URL }, "cannot unmarshal string"},
		{"when the answer is empty", func(t *testing.T) string { return answering(t, http.StatusOK, "").URL }, "EOF"},
		{"when the code is not 200", func(t *testing.T) string { return answering(t, http.StatusTeapot, `{}`).URL }, "answered with code 418"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := verbs(test.url(t))
			config.HTTPTimeout.Duration = 200 * time.Millisecond
			e, snapshot := build(t, config), cluster(t)
			_, _, _, filtering := e.Filter(named("pending"), snapshot.Nodes())
			_, _, scoring := e.Prioritize(named("pending"), snapshot.Nodes())
			_, preempting := e.ProcessPreemption(named("pending"), nil, snapshot)
			for what, err := range map[string]error{
				"filtering nodes": filtering, "scoring nodes": scoring, "choosing victims of preemption": preempting,
				"binding pod / to node ": e.Bind(&corev1.Binding{}),
			} {
				if err == nil || !strings.HasPrefix(err.Error(), what+" by extender "+config.URLPrefix) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: got the error %v, want one with %q", what, err, test.want)
				}
			}
		})
	}
}

func TestTLS(t *testing.T) {
	p := &program{}
	p.Server = httptest.NewTLSServer(p.handler(t, http.StatusOK, `{}`))
	t.Cleanup(p.Close)
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
	for _, test := range []struct {
		name  string
		https bool
		tls   *configv1.ExtenderTLSConfig
		fails string
	}{
		{"trusts a server of the given CA", true, &configv1.ExtenderTLSConfig{CAData: own}, ""},
		{"trusts the name that is given", true, &configv1.ExtenderTLSConfig{CAData: own, ServerName: "example.com"}, ""},
		{"does not trust another name", true, &configv1.ExtenderTLSConfig{CAData: own, ServerName: "other.test"}, "certificate is valid for"},
		{"trusts everybody without a CA, where HTTPS is on", true, nil, ""},
		{"trusts everybody where that is asked for", false, &configv1.ExtenderTLSConfig{Insecure: true}, ""},
		{"trusts nobody unknown, where HTTPS is not on", false, nil, "certificate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := verbs(p.URL)
			config.EnableHTTPS, config.TLSConfig = test.https, test.tls
			err := build(t, config).Bind(&corev1.Binding{})
			if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
				t.Errorf("got the error %v, want %q", err, test.fails)
			}
		})
	}
	t.Run("says which extender has a CA that cannot be read", func(t *testing.T) {
		_, err := extender.New(configv1.Extender{URLPrefix: "https://x", TLSConfig: &configv1.ExtenderTLSConfig{CAFile: "/nowhere/ca.pem"}})
		if err == nil || !strings.Contains(err.Error(), "building extender https://x: reading tlsConfig: ") {
			t.Errorf("got the error %v", err)
		}
	})
}

func TestIsInterested(t *testing.T) {
	config := configv1.Extender{ManagedResources: []configv1.ExtenderManagedResource{{Name: "example.com/gpu"}}}
	using := func(list corev1.ResourceList) corev1.Container {
		return corev1.Container{Resources: corev1.ResourceRequirements{Requests: list}}
	}
	gpu := corev1.ResourceList{"example.com/gpu": resource.MustParse("1")}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want bool
	}{
		{"not in a pod without the resource", named("a", func(pod *corev1.Pod) {
			pod.Spec.Containers = []corev1.Container{using(corev1.ResourceList{"cpu": resource.MustParse("1")})}
		}), false},
		{"in a request", named("a", func(pod *corev1.Pod) { pod.Spec.Containers = []corev1.Container{{}, using(gpu)} }), true},
		{"in a limit", named("a", func(pod *corev1.Pod) {
			pod.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Limits: gpu}}}
		}), true},
		{"in what an init container wants", named("a", func(pod *corev1.Pod) { pod.Spec.InitContainers = []corev1.Container{using(gpu)} }), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := build(t, config).IsInterested(test.pod); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
			if !build(t, configv1.Extender{}).IsInterested(test.pod) {
				t.Error("without managed resources, the extender is not interested")
			}
		})
	}
}

func TestNewAllPutsTheIgnorableLast(t *testing.T) {
	configs := []configv1.Extender{
		{URLPrefix: "1", Ignorable: true, ManagedResources: []configv1.ExtenderManagedResource{{Name: "a.b/c", IgnoredByScheduler: true}, {Name: "a.b/d"}}},
		{URLPrefix: "2"},
		{URLPrefix: "3", Ignorable: true},
		{URLPrefix: "4"},
	}
	all, err := extender.NewAll(configs)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, each := range all {
		names = append(names, each.Name())
	}
	if diff := cmp.Diff([]string{"2", "4", "1", "3"}, names); diff != "" {
		t.Errorf("the order differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a.b/c"}, extender.Ignored(configs)); diff != "" {
		t.Errorf("ignored resources differ (-want +got):\n%s", diff)
	}
}
