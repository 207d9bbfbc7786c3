package simulate_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"context"
	"github.com/orrery-dev/orrery/scheduler/simulate"
)

// simulated runs a scenario on an empty cluster with the nodes, and returns the pods in order as "name node".
func simulated(t *testing.T, manifest string, nodes ...string) *simulate.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	world := simulate.New(simulate.Options{})
	for _, spec := range nodes {
		parsed, err := simulate.ParseNodes(spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := world.AddNodes(ctx, parsed...); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := simulate.ReadManifest(strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	pods, err := world.Load(ctx, objects)
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := world.Run(ctx, pods)
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

func TestMain(m *testing.M) { os.Exit(m.Run()) }
