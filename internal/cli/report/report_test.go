package report_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/internal/cli/report"
	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/simulate"
)

func TestAPodThatFitsNowhere(t *testing.T) {
	nodes := []explain.RefusedNode{{Node: "node-1", Detail: "needs 2 CPU, 1.4 free of 4"}}
	for _, name := range []string{"node-2", "node-3", "node-4", "node-5", "node-6", "node-7"} {
		nodes = append(nodes, explain.RefusedNode{Node: name, Detail: "needs 2 CPU, 1 free of 4"})
	}
	var out strings.Builder
	err := report.Explain(&out, report.Pod{Namespace: "shop", Name: "web", Explanation: &explain.Explanation{
		Nodes: 7, Refusals: []explain.Group{{Plugin: "NodeResourcesFit", Reasons: []string{"Insufficient cpu"}, Nodes: nodes}},
		Nearest: []explain.Miss{
			{Node: "node-1", Remedies: []string{"with 600m less CPU", "if 1 pod of priority < 100 went (batch/report)"}}, {Node: "node-2"},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, out.String(), `
Pod shop/web waits: it fits on none of the 7 nodes.

  NodeResourcesFit  7 nodes  Insufficient cpu
    node-1                                     needs 2 CPU, 1.4 free of 4
    node-2, node-3, node-4, node-5 and 2 more  needs 2 CPU, 1 free of 4

It would fit
  on node-1 with 600m less CPU
  on node-1 if 1 pod of priority < 100 went (batch/report)
`)
}

func TestAPodThatIsOnANode(t *testing.T) {
	score := func(node string, total int64) explain.Score {
		return explain.Score{Node: node, Total: total, Plugins: []explain.PluginScore{
			{Plugin: "NodeResourcesFit", Raw: total, Normalized: total, Weight: 1, Weighted: total, Reason: "with the pod, 42% of CPU would be taken"},
		}}
	}
	var out strings.Builder
	err := report.Explain(&out, report.Pod{Namespace: "shop", Name: "web", Node: "node-5", Explanation: &explain.Explanation{
		Nodes: 6, Feasible: 5,
		Scores: []explain.Score{score("node-1", 90), score("node-2", 80), score("node-3", 70), score("node-4", 60), score("node-5", 50)},
	}, Decided: &explain.Record{Message: "0/6 nodes are available.", Attempt: 2}})
	if err != nil {
		t.Fatal(err)
	}
	text, _, found := strings.Cut(out.String(), "\nThe scheduler tried it last at ")
	if !found {
		t.Errorf("the scheduler's own decision is not shown:\n%s", out.String())
	}
	compare(t, text, `
Pod shop/web is on node-5. It would fit on 5 nodes of 6 now.

  node-1  score 90
    NodeResourcesFit                     90 =  90 of 100 x 1  with the pod, 42% of CPU would be taken

  node-2  score 80
    NodeResourcesFit                     80 =  80 of 100 x 1  with the pod, 42% of CPU would be taken

  node-3  score 70
    NodeResourcesFit                     70 =  70 of 100 x 1  with the pod, 42% of CPU would be taken

  node-5  score 50  (the pod is here)
    NodeResourcesFit                     50 =  50 of 100 x 1  with the pod, 42% of CPU would be taken

  and 1 node with lower scores or the same
`)
}

func TestAMirrorPodIsExplainedByWhatItMirrors(t *testing.T) {
	mirror := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
		"kubernetes.io/config.mirror": "4f2c", "kubernetes.io/config.source": "file",
	}}}
	var out strings.Builder
	err := report.Explain(&out, report.Pod{
		Namespace: "kube-system", Name: "etcd-node-1", Node: "node-1", Explanation: &explain.Explanation{Nodes: 3}, Static: report.StaticOf(mirror),
	})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, out.String(), `
Pod kube-system/etcd-node-1 is on node-1, which runs it by itself: it is the mirror of a static pod.
  Its manifest is in a directory of the node (hash 4f2c), and no scheduler was asked.
  To delete or change the mirror changes nothing about the pod, and it is made anew: do so to the manifest.
`)
	if report.StaticOf(&corev1.Pod{}) != nil {
		t.Error("a pod without the annotation is taken for a mirror")
	}
}

func TestASimulation(t *testing.T) {
	explanation := &explain.Explanation{Nodes: 2, Nearest: []explain.Miss{
		{Node: "node-1", Refusals: []explain.Saying{{Plugin: "VolumeBinding", Detail: "pod has unbound immediate PersistentVolumeClaims"}}},
	}}
	var out strings.Builder
	err := report.Simulation(&out, &simulate.Outcome{
		Pods: []simulate.Placement{
			{Namespace: "shop", Name: "db", Node: "node-1", Preempts: []string{"batch/report"}},
			{Namespace: "shop", Name: "web-1", Owner: "Deployment/web", Node: "node-2", From: "node-3"},
			{Namespace: "shop", Name: "web-2", Owner: "Deployment/web", Message: "0/2 nodes are available.", Explanation: explanation},
			{Namespace: "shop", Name: "web-3", Owner: "Deployment/web", Message: "0/2 nodes are available.", Explanation: explanation},
		},
		Others: []simulate.Placement{{Namespace: "batch", Name: "late", Node: "node-2"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, out.String(), `
  shop/db     node-1, evicting batch/report
  shop/web-1  node-2, from node-3
  shop/web-2  nowhere
  shop/web-3  nowhere

Pods of the cluster that wait now and would get a node:
  batch/late  node-2

Deployment/web: 0/2 nodes are available.

The nearest miss is node-1:
  VolumeBinding: pod has unbound immediate PersistentVolumeClaims

2 of 4 pods would be placed, and 1 pod evicted for them. Nothing was written.
`)
}

func compare(t *testing.T, got, want string) {
	t.Helper()
	if difference := cmp.Diff(strings.TrimPrefix(want, "\n"), got); difference != "" {
		t.Errorf("(-want +got):\n%s", difference)
	}
}
