package nodeinfo_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// newPod returns a pod that uses everything a node counts.
func newPod(name string, port int32, gpus string) *corev1.Pod {
	claim := &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("1"), "example.com/gpu": resource.MustParse(gpus),
				}},
				Ports: []corev1.ContainerPort{{HostPort: port}},
			}},
			Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: claim}}},
			Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "zone"}},
			}},
		},
	}
}

// describe returns all that a NodeInfo says, except its generation.
func describe(n *nodeinfo.NodeInfo) map[string]any {
	names := func(pods []fwk.PodInfo) []string {
		var names []string
		for _, pod := range pods {
			names = append(names, pod.GetPod().Name)
		}
		slices.Sort(names)
		return names
	}
	return map[string]any{
		"pods": names(n.GetPods()), "affinity": names(n.GetPodsWithAffinity()), "anti-affinity": names(n.GetPodsWithRequiredAntiAffinity()),
		"ports": n.GetUsedPorts().Len(), "claims": maps.Clone(n.GetPVCRefCounts()),
		"cpu": n.GetRequested().GetMilliCPU(), "memory": n.GetNonZeroRequested().GetMemory(), "gpus": n.GetRequested().GetScalarResources()["example.com/gpu"],
	}
}

// TestCopiesGoTheirOwnWay changes a NodeInfo and copies of it at random, and holds that nothing but the one which is
// changed changes.
func TestCopiesGoTheirOwnWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		infos := []*nodeinfo.NodeInfo{nodeinfo.New()}
		before := []map[string]any{describe(infos[0])}
		next := 0
		one := func(t *rapid.T) int { return rapid.IntRange(0, len(infos)-1).Draw(t, "which") }
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				i := one(t)
				next++
				infos[i].AddPod(newPod(string(rune('a'+next%26))+string(rune('a'+next/26)), rapid.Int32Range(0, 3).Draw(t, "port"), "1"))
				before[i] = describe(infos[i])
			},
			"add a plain pod": func(t *rapid.T) {
				i := one(t)
				next++
				infos[i].AddPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: types.UID(rune(next)), Name: string(rune('A' + next%26))}})
				before[i] = describe(infos[i])
			},
			"remove": func(t *rapid.T) {
				i := one(t)
				if pods := infos[i].GetPods(); len(pods) > 0 {
					if err := infos[i].RemovePod(klog.Logger{}, rapid.SampledFrom(pods).Draw(t, "pod").GetPod()); err != nil {
						t.Fatal(err)
					}
				}
				before[i] = describe(infos[i])
			},
			"clone": func(t *rapid.T) {
				infos = append(infos, infos[one(t)].Clone())
				before = append(before, describe(infos[len(infos)-1]))
			},
			"copy": func(t *rapid.T) {
				from, to := one(t), &nodeinfo.NodeInfo{}
				infos[from].CopyTo(to, 0)
				infos, before = append(infos, to), append(before, before[from])
			},
			"": func(t *rapid.T) {
				for i := range infos {
					if diff := cmp.Diff(before[i], describe(infos[i])); diff != "" {
						t.Fatalf("NodeInfo %d changed behind its back:\n%s", i, diff)
					}
				}
			},
		})
	})
}

func TestImagesOfACopyKeepTheirCounts(t *testing.T) {
	nodes := sets.New("a")
	info := nodeinfo.New()
	info.SetImages(map[string]*fwk.ImageStateSummary{"web": {Size: 100, Nodes: nodes}})
	first, second, clone := &nodeinfo.NodeInfo{}, &nodeinfo.NodeInfo{}, info.Clone()
	info.CopyTo(first, 1)
	nodes.Insert("b")
	info.CopyTo(second, 2)
	for name, test := range map[string]struct {
		info *nodeinfo.NodeInfo
		want int
	}{"clone": {clone, 1}, "first copy": {first, 1}, "second copy": {second, 2}, "clone of the second": {second.Clone(), 2}} {
		if got := test.info.GetImageStates()["web"].NumNodes; got != test.want {
			t.Errorf("%s: the image is on %d nodes, want %d", name, got, test.want)
		}
	}
}
