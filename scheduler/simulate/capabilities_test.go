package simulate_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/simulate"
)

func TestPreemptionIsSaid(t *testing.T) {
	simulation := newSimulation(t, "cpu=1,memory=4Gi")
	pods := load(t, simulation, podYAML("urgent", "1", "  priority: 10"))
	// The victim is on its node already.
	running := pods[0].DeepCopy()
	running.Name, running.Spec.NodeName, running.Spec.Priority = "modest", "added-1", new(int32)
	if err := simulation.AddPod(t.Context(), running); err != nil {
		t.Fatal(err)
	}
	if got, want := summary(run(t, simulation, pods)), "urgent on added-1 after default/modest"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPodsOfARemovedNodeArePlacedAnew(t *testing.T) {
	ctx := t.Context()
	simulation := newSimulation(t, "cpu=1,memory=4Gi,name=old", "cpu=1,memory=4Gi,name=new")
	for name, owner := range map[string]string{"web": "ReplicaSet", "agent": "DaemonSet", "bare": ""} {
		pod := load(t, simulation, podYAML(name, "100m"))[0].Pod
		pod.Spec.NodeName = "old-1"
		if owner != "" {
			pod.OwnerReferences = ownedBy(owner)
		}
		if err := simulation.AddPod(ctx, pod); err != nil {
			t.Fatal(err)
		}
	}
	moved, err := simulation.RemoveNode(ctx, "old-1")
	if err != nil {
		t.Fatal(err)
	}
	var pods []simulate.Pod
	for _, pod := range moved {
		pods = append(pods, simulate.Pod{Pod: pod, From: "old-1"})
	}
	outcome, err := simulation.Run(ctx, pods)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := summary(outcome), "web on new-1"; got != want || outcome.Pods[0].From != "old-1" {
		t.Errorf("got %s from %s, want %s from old-1", got, outcome.Pods[0].From, want)
	}
}

// TestAClaimIsBoundOnceTheNodeIsChosen holds that a StatefulSet's pods do not wait for a volume controller.
func TestAClaimIsBoundOnceTheNodeIsChosen(t *testing.T) {
	got := summary(simulated(t, `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: local}
provisioner: example.com/disk
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: app, image: db}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: local, volumeMode: Filesystem, resources: {requests: {storage: 1Gi}}}
`, "cpu=2,memory=4Gi"))
	if want := "db-0 on added-1\ndb-1 on added-1"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSpreadAndAffinityAreExplained names numbers and pods.
func TestSpreadAndAffinityAreExplained(t *testing.T) {
	labelled := func(name, spec string) string {
		return `
---
apiVersion: v1
kind: Pod
metadata: {name: ` + name + `, labels: {app: web}}
spec:
  containers: [{name: app, image: web}]
` + spec
	}
	spread := "  topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, nodeAffinityPolicy: Ignore, labelSelector: {matchLabels: {app: web}}}]\n"
	for _, test := range []struct{ name, manifest, want string }{
		{
			"a skew", labelled("first", "  priority: 5\n  nodeSelector: {zone: a}\n") + labelled("second", "  nodeSelector: {zone: a}\n"+spread),
			"zone=a has 1 of the pods and another has 0: one more makes a skew of 2, at most 1 allowed",
		},
		{
			"a neighbour that is kept away from", labelled("first", "  priority: 5\n") +
				labelled("second", "  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: everywhere, labelSelector: {matchLabels: {app: web}}}]}}\n"),
			"pod default/first, which the pod keeps away from, is in the node's everywhere=yes",
		},
		{
			"a neighbour that is missing",
			labelled("second", "  affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app: db}}}]}}\n"),
			"no pod that matches app=db is in the node's zone=a",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			outcome := simulated(t, test.manifest, "cpu=2,memory=4Gi,name=a,labels=zone=a;everywhere=yes", "cpu=2,memory=4Gi,name=b,labels=zone=b;everywhere=yes")
			var details []string
			for _, pod := range outcome.Pods {
				if pod.Node == "" {
					for _, group := range pod.Explanation.Refusals {
						for _, node := range group.Nodes {
							details = append(details, node.Detail)
						}
					}
				}
			}
			if all := strings.Join(details, "\n"); !strings.Contains(all, test.want) {
				t.Errorf("got\n%s\nwant %s", all, test.want)
			}
		})
	}
}

func ownedBy(kind string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: "owner", UID: "1", Controller: ptr.To(true)}}
}

// TestAGroupGoesTogetherOrNotAtAll holds that pods which are held back end a simulation, too.
func TestAGroupGoesTogetherOrNotAtAll(t *testing.T) {
	group := `
apiVersion: scheduling.k8s.io/v1beta1
kind: PodGroup
metadata: {name: crew}
spec: {schedulingPolicy: {gang: {minCount: 2}}}
`
	member := "  schedulingGroup: {podGroupName: crew}"
	outcome := simulated(t, group+podYAML("one", "1", member), "cpu=2,memory=4Gi")
	if got, want := summary(outcome), "one: held back, and not tried"; got != want {
		t.Errorf("alone: got %s, want %s", got, want)
	}
	if held := outcome.Pods[0].Explanation.Held; len(held) != 1 || held[0].Plugin != "GangScheduling" {
		t.Errorf("alone: held by %v, want GangScheduling", held)
	}
	got := summary(simulated(t, group+podYAML("one", "1", member)+podYAML("two", "1", member), "cpu=2,memory=4Gi"))
	if want := "one on added-1\ntwo on added-1"; got != want {
		t.Errorf("together: got\n%s\nwant\n%s", got, want)
	}
}

func TestAGatedPodIsNotTried(t *testing.T) {
	outcome := simulated(t, podYAML("gated", "1", "  schedulingGates: [{name: example.com/wait}]"), "cpu=2,memory=4Gi")
	if held := outcome.Pods[0].Explanation.Held; len(held) != 1 || !strings.Contains(held[0].Detail, "example.com/wait") {
		t.Errorf("held by %v, want the gate", held)
	}
}
