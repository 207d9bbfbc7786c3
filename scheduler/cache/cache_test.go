package cache

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

func newNode(name, zone string, images ...string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelTopologyZone: zone}}}
	node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}
	for _, image := range images {
		node.Status.Images = append(node.Status.Images, corev1.ContainerImage{Names: []string{image}, SizeBytes: 100})
	}
	return node
}

func newPod(name, node string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}},
			Ports:     []corev1.ContainerPort{{HostPort: 80}},
		}}},
	}
}

func infoOf(pod *corev1.Pod) *nodeinfo.PodInfo {
	info, err := nodeinfo.NewPodInfo(pod)
	if err != nil {
		panic(err)
	}
	return info
}

// on returns the names of the pods that a snapshot shows on each node.
func on(s *Snapshot) map[string][]string {
	result := map[string][]string{}
	for _, node := range s.Nodes() {
		names := []string{}
		for _, pod := range node.GetPods() {
			names = append(names, pod.GetPod().Name)
		}
		slices.Sort(names)
		result[node.Node().Name] = names
	}
	return result
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAssumedPods(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name    string
		do      func(t *testing.T, c *Cache)
		want    map[string][]string
		assumed bool
	}{
		{"are counted on their node", func(*testing.T, *Cache) {}, map[string][]string{"a": {"web"}, "b": {}}, true},
		{"are confirmed by the API server", func(t *testing.T, c *Cache) { must(t, c.AddPod(newPod("web", "a"))) },
			map[string][]string{"a": {"web"}, "b": {}}, false},
		{"go where the API server shows them", func(t *testing.T, c *Cache) { must(t, c.AddPod(newPod("web", "b"))) },
			map[string][]string{"a": {}, "b": {"web"}}, false},
		{"are forgotten", func(t *testing.T, c *Cache) { must(t, c.Forget("web")) }, map[string][]string{"a": {}, "b": {}}, false},
		{"do not expire before their binding has ended", func(t *testing.T, c *Cache) { c.Expire(now.Add(time.Hour)) },
			map[string][]string{"a": {"web"}, "b": {}}, true},
		{"do not expire early", func(t *testing.T, c *Cache) { c.FinishBinding("web", now); c.Expire(now.Add(29 * time.Second)) },
			map[string][]string{"a": {"web"}, "b": {}}, true},
		{"expire", func(t *testing.T, c *Cache) { c.FinishBinding("web", now); c.Expire(now.Add(30 * time.Second)) },
			map[string][]string{"a": {}, "b": {}}, false},
		{"do not expire once confirmed", func(t *testing.T, c *Cache) {
			c.FinishBinding("web", now)
			must(t, c.AddPod(newPod("web", "a")))
			c.Expire(now.Add(time.Hour))
		}, map[string][]string{"a": {"web"}, "b": {}}, false},
		{"are removed", func(t *testing.T, c *Cache) { _, err := c.RemovePod("web"); must(t, err) }, map[string][]string{"a": {}, "b": {}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := New(30*time.Second), &Snapshot{}
			c.AddNode(newNode("a", ""))
			c.AddNode(newNode("b", ""))
			must(t, c.Assume(infoOf(newPod("web", "a"))))
			c.Update(s)
			test.do(t, c)
			c.Update(s)
			if diff := cmp.Diff(test.want, on(s)); diff != "" {
				t.Errorf("pods on nodes (-want +got):\n%s", diff)
			}
			if got := c.IsAssumed("web"); got != test.assumed {
				t.Errorf("assumed: %t, want %t", got, test.assumed)
			}
		})
	}
}

func TestWrongCallsAreErrors(t *testing.T) {
	c := New(0)
	must(t, c.AddPod(newPod("web", "a")))
	if c.Assume(infoOf(newPod("web", "b"))) == nil {
		t.Error("an assigned pod was assumed")
	}
	if c.Forget("web") == nil {
		t.Error("an assigned pod was forgotten")
	}
	if c.AddPod(newPod("", "a")) == nil {
		t.Error("a pod without UID was added")
	}
}

func TestNodesOfAllZonesTakeTurns(t *testing.T) {
	c, s := New(0), &Snapshot{}
	for _, node := range []*corev1.Node{newNode("a1", "a"), newNode("a2", "a"), newNode("a3", "a"), newNode("b1", "b"), newNode("c1", "c"), newNode("c2", "c")} {
		c.AddNode(node)
	}
	c.AddNode(newNode("b1", "b", "an-image")) // A change that moves nothing.
	c.AddNode(newNode("a3", "b"))
	c.Update(s)
	var names []string
	for _, node := range s.Nodes() {
		names = append(names, node.Node().Name)
	}
	if got, want := fmt.Sprint(names), "[a1 b1 c1 a2 a3 c2]"; got != want {
		t.Errorf("the order is %s, want %s", got, want)
	}
}

func TestImagesAreCountedOverNodes(t *testing.T) {
	c, s := New(0), &Snapshot{}
	c.AddNode(newNode("a", "", "web", "db"))
	c.AddNode(newNode("b", "", "web"))
	c.AddNode(newNode("a", "", "web"))
	c.Update(s)
	node, err := s.Get("a")
	must(t, err)
	want := map[string]*fwk.ImageStateSummary{"web": {Size: 100, NumNodes: 2}}
	if diff := cmp.Diff(want, node.GetImageStates()); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if len(c.images.byName) != 1 {
		t.Errorf("%d images are remembered, want 1", len(c.images.byName))
	}
}

func TestPodsOfAnUnknownNodeWaitForIt(t *testing.T) {
	c, s := New(0), &Snapshot{}
	must(t, c.AddPod(newPod("web", "late")))
	c.Update(s)
	if len(s.Nodes()) != 0 {
		t.Fatalf("a node without Node object is shown: %v", s.Nodes())
	}
	c.AddNode(newNode("late", ""))
	c.Update(s)
	c.RemoveNode("late")
	c.AddNode(newNode("late", ""))
	c.Update(s)
	if diff := cmp.Diff(map[string][]string{"late": {"web"}}, on(s)); diff != "" {
		t.Errorf("pods on nodes (-want +got):\n%s", diff)
	}
}

// TestSnapshotIsAlwaysWhatAFreshOneWouldBe drives a cache with random operations and holds that a snapshot which is
// brought up to date now and then equals one that is made from scratch.
func TestSnapshotIsAlwaysWhatAFreshOneWouldBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, kept := New(0), &Snapshot{}
		nodes := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		pods := rapid.SampledFrom([]string{"p", "q", "r", "s", "t"})
		describe := func(t *rapid.T) *corev1.Pod {
			pod := newPod(pods.Draw(t, "pod"), nodes.Draw(t, "node"))
			if rapid.Bool().Draw(t, "affinity") {
				pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
					RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "zone"}},
				}}
			}
			if rapid.Bool().Draw(t, "claim") {
				claim := &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}
				pod.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: claim}}}
			}
			return pod
		}
		fail := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"node": func(t *rapid.T) {
				zone := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "zone")
				c.AddNode(newNode(nodes.Draw(t, "node"), zone, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"i", "j"}), 0, 2, rapid.ID).Draw(t, "images")...))
			},
			"no node": func(t *rapid.T) { c.RemoveNode(nodes.Draw(t, "node")) },
			"pod":     func(t *rapid.T) { fail(c.AddPod(describe(t))) },
			"no pod":  func(t *rapid.T) { _, err := c.RemovePod(types.UID(pods.Draw(t, "pod"))); fail(err) },
			"assume": func(t *rapid.T) {
				pod := describe(t)
				if _, known := c.Pod(pod.UID); !known {
					fail(c.Assume(infoOf(pod)))
				}
			},
			"forget": func(t *rapid.T) {
				if uid := types.UID(pods.Draw(t, "pod")); c.IsAssumed(uid) {
					fail(c.Forget(uid))
				}
			},
			"snapshot": func(t *rapid.T) {
				c.Update(kept)
				checkNumbers(t, kept)
				fresh := &Snapshot{}
				c.Update(fresh)
				if diff := cmp.Diff(content(fresh), content(kept)); diff != "" {
					t.Fatalf("a kept snapshot differs from a fresh one (-fresh +kept):\n%s", diff)
				}
			},
		})
	})
}

type nodeContent struct {
	Name               string
	Pods               []string
	MilliCPU, NonZero  int64
	Ports              int
	Affinity, Anti     int
	Images             []string
	Allocatable, Claim int64
}

// byNumber returns what is on each node, in the order of the snapshot.
func byNumber(s *Snapshot) []nodeContent {
	pods := on(s)
	var nodes []nodeContent
	for _, node := range s.Nodes() {
		one := nodeContent{
			Name: node.Node().Name, Pods: pods[node.Node().Name],
			MilliCPU: node.GetRequested().GetMilliCPU(), NonZero: node.GetNonZeroRequested().GetMemory(),
			Ports: node.GetUsedPorts().Len(), Affinity: len(node.GetPodsWithAffinity()), Anti: len(node.GetPodsWithRequiredAntiAffinity()),
			Allocatable: node.GetAllocatable().GetMilliCPU(), Claim: int64(node.GetPVCRefCounts()["default/data"]),
		}
		for image := range node.GetImageStates() {
			one.Images = append(one.Images, image)
		}
		slices.Sort(one.Images)
		nodes = append(nodes, one)
	}
	return nodes
}

// content is the same in a snapshot that has the nodes in another order.
func content(s *Snapshot) map[string]any {
	nodes := byNumber(s)
	slices.SortFunc(nodes, func(a, b nodeContent) int { return strings.Compare(a.Name, b.Name) })
	withAffinity, _ := s.HavePodsWithAffinityList()
	withAnti, _ := s.HavePodsWithRequiredAntiAffinityList()
	return map[string]any{
		"nodes": nodes, "affinity": names(withAffinity), "anti": names(withAnti), "claims": s.claims, "used": s.IsPVCUsedByPods("default/data"),
	}
}

func names(nodes []fwk.NodeInfo) []string {
	names := []string{}
	for _, node := range nodes {
		names = append(names, node.Node().Name)
	}
	slices.Sort(names)
	return names
}

// checkNumbers holds that all that knows numbers agrees.
func checkNumbers(t *rapid.T, s *Snapshot) {
	listed := s.Names()
	if len(listed.ByNumber) != len(s.Nodes()) || len(listed.Number) != len(s.Nodes()) {
		t.Fatalf("there are %d nodes, names of %d and numbers of %d", len(s.Nodes()), len(listed.ByNumber), len(listed.Number))
	}
	for number, node := range s.Nodes() {
		name := node.Node().Name
		if listed.ByNumber[number] != name || listed.Number[name] != number || node.(*nodeinfo.NodeInfo).Number() != number {
			t.Fatalf("number %d is node %s; by name it is %d, and by its NodeInfo %d", number, name, listed.Number[name], node.(*nodeinfo.NodeInfo).Number())
		}
	}
}
