package plugins_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
)

// TestTrialsAgreeWithUpstream puts pods on a node and takes them off again, as preemption does and the pods that are
// nominated. Upstream's counts of topology spread are exact for changes of one node only, and so those are compared.
func TestTrialsAgreeWithUpstream(t *testing.T) {
	for _, pair := range podPairs {
		t.Run(pair.name, func(t *testing.T) {
			for seed := *first; seed < *first+uint64(*cases)/4; seed++ {
				w := newCluster(seed)
				pair.dress(w)
				ours, theirs := bothSides(t, pair, w)
				if diff := cmp.Diff(theirs.verdict, ours.verdict); diff != "" {
					t.Fatalf("seed %d: upstream (-) and ours (+) differ in PreFilter:\n%s", seed, diff)
				}
				if ours.verdict.Code != fwk.Success.String() {
					continue
				}
				script := w.trials()
				got, want := ours.try(t, w, script), theirs.try(t, w, script)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: upstream (-) and ours (+) differ after trials %v:\n%s", seed, script, diff)
				}
			}
		})
	}
}

// script is what is done to one node.
type script struct {
	node  string
	steps []step
}

type step struct {
	pod    *corev1.Pod
	remove bool
	// fork goes on with a copy of the state, and the one before has to stay as it is.
	fork bool
}

func (s step) String() string {
	return fmt.Sprintf("{%s, remove: %t, fork: %t}", s.pod.Name, s.remove, s.fork)
}

// trials takes away pods that are on a node, perhaps puts them back, and adds others.
func (w *cluster) trials() script {
	s := script{node: w.nodes[w.IntN(len(w.nodes))].Name}
	on := map[*corev1.Pod]bool{}
	for _, pod := range w.running {
		on[pod] = pod.Spec.NodeName == s.node
	}
	for range 1 + w.IntN(8) {
		if len(w.running) == 0 {
			break
		}
		pod := w.running[w.IntN(len(w.running))]
		s.steps = append(s.steps, step{pod: pod, remove: on[pod], fork: w.chance(30)})
		on[pod] = !on[pod]
	}
	return s
}

// try runs the script, and returns the verdicts after each step and, at the end, those of all states that it forked.
func (s *prepared) try(t *testing.T, w *cluster, script script) (verdicts []map[string]verdict) {
	t.Helper()
	info, err := s.snapshot.NodeInfos().Get(script.node)
	if err != nil {
		t.Fatal(err)
	}
	extensions := s.plugin.(fwk.PreFilterPlugin).PreFilterExtensions()
	states := []fwk.CycleState{s.state}
	for _, step := range script.steps {
		if step.fork {
			states = append(states, states[len(states)-1].Clone())
		}
		state := states[len(states)-1]
		pod, err := upstream.NewPodInfo(step.pod)
		if err != nil {
			continue // Neither side would have such a pod on a node with its terms.
		}
		change := extensions.AddPod
		if step.remove {
			change = extensions.RemovePod
		}
		if status := change(t.Context(), state, w.pod, pod, info); !status.IsSuccess() {
			t.Fatal(status.AsError())
		}
		verdicts = append(verdicts, s.filter(t, w, state))
	}
	for _, state := range states {
		verdicts = append(verdicts, s.filter(t, w, state))
	}
	return verdicts
}
