package simulate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/scheduler/simulate"
)

// simulated runs a scenario on an empty cluster with the nodes.
func simulated(t *testing.T, manifest string, nodes ...string) *simulate.Outcome {
	t.Helper()
	simulation := newSimulation(t, nodes...)
	return run(t, simulation, load(t, simulation, manifest))
}

func newSimulation(t *testing.T, nodes ...string) *simulate.Simulation {
	t.Helper()
	simulation := simulate.New(simulate.Options{})
	for _, text := range nodes {
		parsed, err := simulate.ParseNodes(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := simulation.AddNodes(t.Context(), parsed...); err != nil {
			t.Fatal(err)
		}
	}
	return simulation
}

func load(t *testing.T, simulation *simulate.Simulation, manifest string) []simulate.Pod {
	t.Helper()
	pods, err := simulation.Load(t.Context(), strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return pods
}

func run(t *testing.T, simulation *simulate.Simulation, pods []simulate.Pod) *simulate.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	outcome, err := simulation.Run(ctx, pods)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func summary(outcome *simulate.Outcome) string {
	var lines []string
	for _, pod := range outcome.Pods {
		line := pod.Name + " on " + pod.Node
		if pod.Node == "" {
			line = pod.Name + ": " + pod.Message
		}
		if len(pod.Preempts) > 0 {
			line += " after " + strings.Join(pod.Preempts, ", ")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func podYAML(name, cpu string, more ...string) string {
	return fmt.Sprintf(`
---
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  containers: [{name: app, image: web, resources: {requests: {cpu: %q}}}]
%s
`, name, cpu, strings.Join(more, "\n"))
}

func TestPodsAreDecidedOnInTheOrderOfTheQueue(t *testing.T) {
	got := summary(simulated(t, podYAML("a", "1")+podYAML("b", "1")+podYAML("c", "1", "  priority: 10"), "cpu=2,memory=4Gi"))
	want := "c on added-1\na on added-1\nb: 0/1 nodes are available: 1 Insufficient cpu."
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAPodThatGoesNowhereIsExplained(t *testing.T) {
	outcome := simulated(t, podYAML("big", "2600m"), "cpu=2,memory=4Gi", "cpu=8,memory=4Gi,name=db,taints=dedicated=db:NoSchedule")
	nearest := outcome.Pods[0].Explanation.Nearest
	got := fmt.Sprint(nearest[0].Node, nearest[0].Remedies, nearest[1].Node, nearest[1].Remedies)
	want := "db-1[with a toleration for dedicated=db:NoSchedule]added-1[with 600m less CPU]"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWorkloadsBecomeTheirPods(t *testing.T) {
	got := summary(simulated(t, `
apiVersion: apps.orrery.dev/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: web}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  parallelism: 3
  completions: 1
  template:
    spec: {restartPolicy: Never, containers: [{name: app, image: web}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: app, image: db}]}
`, "cpu=2,memory=4Gi"))
	if want := "web-1 on added-1\nweb-2 on added-1\nonce-1 on added-1\ndb-0 on added-1"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatCannotBeSimulatedIsNamed(t *testing.T) {
	for manifest, want := range map[string]string{
		"{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}}":                                       "DaemonSet agent: its controller makes a pod for each node",
		"{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {container: []}}":                             `unknown field "spec.container"`,
		"{apiVersion: v1, metadata: {name: web}}":                                                               "document 1: apiVersion and kind are required",
		"{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {priorityClassName: high, containers: [{}]}}": `pod default/web: spec.priorityClassName "high": there is no such PriorityClass`,
		"{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {schedulerName: other, containers: [{}]}}":    `pod default/web: spec.schedulerName is "other", and the configuration has no profile of that name`,
	} {
		simulation := simulate.New(simulate.Options{})
		pods, err := simulation.Load(t.Context(), strings.NewReader(manifest))
		if err == nil {
			_, err = simulation.Run(t.Context(), pods)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %s", manifest, err, want)
		}
	}
}

func TestNodesAreReadFromText(t *testing.T) {
	nodes, err := simulate.ParseNodes("cpu=8,memory=32Gi,count=2,name=big,labels=disk=ssd;zone=a,taints=dedicated=db:NoSchedule,example.com/gpu=4")
	if err != nil {
		t.Fatal(err)
	}
	node := nodes[1]
	gpus := node.Status.Allocatable["example.com/gpu"]
	if len(nodes) != 2 || node.Name != "big-2" || node.Labels["zone"] != "a" || node.Labels["kubernetes.io/hostname"] != "big-2" ||
		node.Spec.Taints[0].ToString() != "dedicated=db:NoSchedule" || gpus.Value() != 4 || node.Status.Allocatable.Pods().Value() != 110 {
		t.Errorf("got %+v", node)
	}
	for text, want := range map[string]string{
		"cpu=8":                             "memory is missing",
		"cpu=8,memory=lots":                 `"memory=lots": want a quantity`,
		"cpu=8,memory=1Gi,count=0":          `"count=0": want a number from 1`,
		"cpu=8,memory=1Gi,colour=red":       `"colour=red": want one of count, name`,
		"cpu=8,memory=1Gi,taints=a=b:Never": `taint "a=b:Never": want KEY=VALUE:EFFECT`,
		"cpu":                               `"cpu": want KEY=VALUE`,
	} {
		if _, err := simulate.ParseNodes(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %s", text, err, want)
		}
	}
}
