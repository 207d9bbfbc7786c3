package server

import (
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

// find returns the pod that a request is about, and the runtime that has it; without one it answers and returns false.
func (s *Server) find(w http.ResponseWriter, r *http.Request) (*corev1.Pod, cri.Runtime, bool) {
	namespace, name, uid := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("uid")
	here := slices.DeleteFunc(s.options.Pods(), func(pod *corev1.Pod) bool {
		_, ok := s.options.Node(pod.Spec.NodeName)
		return !ok
	})
	pod := current(here, namespace, name, uid)
	if pod == nil {
		refuse(w, http.StatusNotFound, "pod %q not found", namespace+"/"+name)
		return nil, nil, false
	}
	node, _ := s.options.Node(pod.Spec.NodeName) // which has just been there
	return pod, node.Runtime, true
}

// current returns the pod of a name, and of a UID where one is given; nil if there is none. An agent may have several pods of one
// name, for it knows a pod that is a custom resource until its containers have been stopped, and the API server forgets it at once.
// Who asks means the one that the API server has, and that is the newest.
func current(pods []*corev1.Pod, namespace, name, uid string) *corev1.Pod {
	var found *corev1.Pod
	for _, pod := range pods {
		if pod.Namespace != namespace || pod.Name != name || uid != "" && string(pod.UID) != uid {
			continue
		}
		if found == nil || newer(pod, found) {
			found = pod
		}
	}
	return found
}

// newer compares two pods of one name. All that the API server wrote about the older one, it wrote before it made the newer one.
func newer(a, b *corev1.Pod) bool {
	if order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion); err == nil && order != 0 {
		return order > 0
	}
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return b.CreationTimestamp.Before(&a.CreationTimestamp)
	}
	return a.DeletionTimestamp == nil && b.DeletionTimestamp != nil
}
