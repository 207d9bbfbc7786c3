package explain_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/scheduler/explain"
	"github.com/orrery-dev/orrery/scheduler/simulate"
)

// explained runs a manifest on nodes, and returns the explanation of the pod that goes nowhere.
func explained(t *testing.T, manifest string, change func(*corev1.Node), nodes ...string) *explain.Explanation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	simulation := simulate.New(simulate.Options{})
	for _, text := range nodes {
		parsed, err := simulate.ParseNodes(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, node := range parsed {
			if change != nil {
				change(node)
			}
			if err := simulation.AddNodes(ctx, node); err != nil {
				t.Fatal(err)
			}
		}
	}
	pods, err := simulation.Load(ctx, strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := simulation.Run(ctx, pods)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range outcome.Pods {
		if pod.Node == "" {
			return pod.Explanation
		}
	}
	t.Fatalf("all pods were placed: %+v", outcome.Pods)
	return nil
}

// pod is a manifest of a pod with some fields of its spec.
func pod(name, spec string) string {
	return fmt.Sprintf("---\n{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {%s}}\n", name, spec)
}

const small = "containers: [{name: app, image: web}]"

func TestRefusalsSayByHowMuchAndWhatWouldHelp(t *testing.T) {
	for _, test := range []struct {
		name, manifest, node string
		change               func(*corev1.Node)
		details              []string
		remedies             string
	}{
		{
			name:     "too little memory",
			manifest: pod("web", "containers: [{name: app, image: web, resources: {requests: {memory: 5Gi}}}]"), node: "cpu=4,memory=4Gi",
			details: []string{"NodeResourcesFit: needs 5Gi memory, 4Gi free of 4Gi"}, remedies: "with 1Gi less memory",
		},
		{
			name:     "two resources at once",
			manifest: pod("web", "containers: [{name: a, image: web, resources: {requests: {cpu: 3, memory: 5Gi}}}, {name: b, image: web, resources: {requests: {cpu: 2}}}]"), node: "cpu=4,memory=4Gi",
			details: []string{"NodeResourcesFit: needs 5 CPU, 4 free of 4; needs 5Gi memory, 4Gi free of 4Gi"}, remedies: "with 1 less CPU and 1Gi less memory",
		},
		{
			name:     "a device that the node does not have",
			manifest: pod("web", "containers: [{name: app, image: web, resources: {limits: {example.com/gpu: 2}}}]"), node: "cpu=4,memory=4Gi,example.com/gpu=1",
			details: []string{"NodeResourcesFit: needs 2 example.com/gpu, 1 free of 1"}, remedies: "with 1 less example.com/gpu",
		},
		{
			name: "no room for another pod", manifest: pod("first", "priority: 5, "+small) + pod("web", small), node: "cpu=4,memory=4Gi,pods=1",
			details: []string{"NodeResourcesFit: is full: 1 of 1 pods"},
		},
		{
			name: "two taints", manifest: pod("web", small), node: "cpu=4,memory=4Gi,taints=dedicated=db:NoSchedule;old:NoExecute",
			details:  []string{"TaintToleration: taints dedicated=db:NoSchedule, old:NoExecute are not tolerated"},
			remedies: "with a toleration for dedicated=db:NoSchedule and a toleration for old:NoExecute",
		},
		{
			name: "a cordoned node", manifest: pod("web", small), node: "cpu=4,memory=4Gi",
			change:  func(node *corev1.Node) { node.Spec.Unschedulable = true },
			details: []string{"NodeUnschedulable: the node is cordoned (spec.unschedulable)"}, remedies: "once it is uncordoned",
		},
		{
			name:     "a host port in use",
			manifest: pod("first", "priority: 5, containers: [{name: app, image: web, ports: [{containerPort: 80, hostPort: 8080}]}]") + pod("web", "containers: [{name: app, image: web, ports: [{containerPort: 80, hostPort: 8080}]}]"),
			node:     "cpu=4,memory=4Gi",
			details:  []string{"NodePorts: host port 8080/TCP is in use by pod default/first"}, remedies: "without host port 8080",
		},
		{
			name: "a node selector", manifest: pod("web", "nodeSelector: {disk: ssd}, "+small), node: "cpu=4,memory=4Gi,labels=disk=hdd",
			details: []string{"NodeAffinity: wants label disk=ssd, the node has disk=hdd"}, remedies: "with label disk=ssd on the node",
		},
		{
			name: "the nearer of two terms",
			manifest: pod("web", "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: ["+
				"{matchExpressions: [{key: a, operator: In, values: [x]}, {key: b, operator: Exists}]}, {matchExpressions: [{key: disk, operator: In, values: [ssd, nvme]}]}]}}}, "+small),
			node: "cpu=4,memory=4Gi", details: []string{"NodeAffinity: wants disk in (ssd, nvme), the node has none"}, remedies: "with label disk=ssd on the node",
		},
		{
			name:     "several plugins at once",
			manifest: pod("web", "nodeSelector: {disk: ssd}, containers: [{name: app, image: web, resources: {requests: {cpu: 4600m}}}]"),
			node:     "cpu=4,memory=4Gi,taints=dedicated=db:NoSchedule",
			details: []string{
				"NodeAffinity: wants label disk=ssd, the node has none", "NodeResourcesFit: needs 4.6 CPU, 4 free of 4",
				"TaintToleration: taint dedicated=db:NoSchedule is not tolerated",
			},
			remedies: "with a toleration for dedicated=db:NoSchedule, label disk=ssd on the node and 600m less CPU",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := explained(t, test.manifest, test.change, test.node)
			var details []string
			for _, group := range e.Refusals {
				details = append(details, group.Plugin+": "+group.Nodes[0].Detail)
			}
			slices.Sort(details)
			if !slices.Equal(details, test.details) {
				t.Errorf("refused with %q, want %q", details, test.details)
			}
			if got := strings.Join(e.Nearest[0].Remedies, "; "); got != test.remedies {
				t.Errorf("it would fit %q, want %q", got, test.remedies)
			}
		})
	}
}

func TestTheNearestMissComesFirst(t *testing.T) {
	e := explained(t, pod("web", "nodeSelector: {disk: ssd}, containers: [{name: app, image: web, resources: {requests: {cpu: 5}}}]"), nil,
		"cpu=1,memory=4Gi,name=both", "cpu=2,memory=4Gi,name=far,labels=disk=ssd", "cpu=4,memory=4Gi,name=near,labels=disk=ssd")
	var order []string
	for _, miss := range e.Nearest {
		order = append(order, miss.Node)
	}
	if got := strings.Join(order, " "); got != "near-1 far-1 both-1" {
		t.Errorf("the order is %s", got)
	}
}
