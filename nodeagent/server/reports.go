package server

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
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
		measured, err := node.Stats.CPUAndMemory(r.Context())
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
