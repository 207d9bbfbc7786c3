package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func (s *Server) sorted() []*corev1.Pod {
	pods := s.options.Pods()
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
	})
	return pods
}

func (s *Server) pods(w http.ResponseWriter, _ *http.Request) {
	list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: []corev1.Pod{}}
	for _, pod := range s.sorted() {
		list.Items = append(list.Items, *pod)
	}
	s.answer(w, list)
}

// summary tells what the node and its pods use. Where the server speaks for many nodes, it tells of the pods of all of them.
func (s *Server) summary(w http.ResponseWriter, r *http.Request) {
	summary := &stats.Summary{Pods: []stats.PodStats{}}
	for _, name := range s.nodes() {
		node, ok := s.options.Node(name)
		if !ok || node.Stats == nil {
			continue
		}
		measured, err := measure(r, node.Stats)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "%v", err)
			return
		}
		if name == s.options.NodeName {
			summary.Node = measured.Node
		}
		summary.Pods = append(summary.Pods, measured.Pods...)
	}
	s.answer(w, summary)
}

// measure measures what a request wants to know: only_cpu_and_memory=true leaves out what takes long to find.
func measure(r *http.Request, of Stats) (*stats.Summary, error) {
	if r.URL.Query().Get("only_cpu_and_memory") == "true" {
		return of.CPUAndMemory(r.Context())
	}
	return of.Summary(r.Context())
}

// runningPods tells what the runtime has, whatever the API server thinks: pods whose sandbox is ready, with their containers that run.
func (s *Server) runningPods(w http.ResponseWriter, r *http.Request) {
	list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: []corev1.Pod{}}
	for _, name := range s.nodes() {
		node, ok := s.options.Node(name)
		if !ok {
			continue
		}
		found, err := runningOn(r.Context(), node)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "%v", err)
			return
		}
		list.Items = append(list.Items, found...)
	}
	s.answer(w, list)
}

// runningOn are the pods of one node, as its runtime has them, in the order of their names.
func runningOn(ctx context.Context, node Node) ([]corev1.Pod, error) {
	ours := map[string]string{cri.LabelAgent: node.Name}
	sandboxes, err := node.Runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{
		LabelSelector: ours, State: &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY},
	})
	if err != nil {
		return nil, fmt.Errorf("asking the runtime for the pods of node %s: %w", node.Name, err)
	}
	containers, err := node.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{
		LabelSelector: ours, State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
	})
	if err != nil {
		return nil, fmt.Errorf("asking the runtime for the containers of node %s: %w", node.Name, err)
	}
	var pods []corev1.Pod
	for _, sandbox := range sandboxes {
		of := sandbox.GetMetadata()
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: of.GetName(), Namespace: of.GetNamespace(), UID: types.UID(of.GetUid())}}
		for _, c := range containers {
			if c.GetPodSandboxId() == sandbox.GetId() {
				pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: c.GetMetadata().GetName(), Image: c.GetImage().GetImage()})
			}
		}
		slices.SortFunc(pod.Spec.Containers, func(a, b corev1.Container) int { return cmp.Compare(a.Name, b.Name) })
		pods = append(pods, pod)
	}
	slices.SortFunc(pods, func(a, b corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return pods, nil
}

// nodes are the names of those that have pods, or of the only one there is.
func (s *Server) nodes() (names []string) {
	if s.options.NodeName != "" {
		return []string{s.options.NodeName}
	}
	for _, pod := range s.options.Pods() {
		names = append(names, pod.Spec.NodeName)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s *Server) answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		s.options.Log.V(1).Info("A client left before its answer was written", "error", err.Error())
	}
}
