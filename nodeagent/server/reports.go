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

// summary names the pods and when they started; it measures nothing.
func (s *Server) summary(w http.ResponseWriter, _ *http.Request) {
	summary := stats.Summary{Pods: []stats.PodStats{}}
	for _, pod := range s.sorted() {
		summary.Node.NodeName = pod.Spec.NodeName
		one := stats.PodStats{PodRef: stats.PodReference{Name: pod.Name, Namespace: pod.Namespace, UID: string(pod.UID)}}
		if pod.Status.StartTime != nil {
			one.StartTime = *pod.Status.StartTime
		}
		summary.Pods = append(summary.Pods, one)
	}
	s.answer(w, summary)
}

func (s *Server) answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		s.options.Log.V(1).Info("A client left before its answer was written", "error", err.Error())
	}
}
