package server

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// checkpoint has the runtime write what a container is at this moment into an archive, and answers with its path.
func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) {
	pod, runtime, found := s.find(w, r)
	if !found {
		return
	}
	name := r.PathValue("container")
	if !hasContainer(pod, name) {
		refuse(w, http.StatusNotFound, "container %v does not exist", name)
		return
	}
	request := &runtimeapi.CheckpointContainerRequest{}
	if timeouts := r.URL.Query()["timeout"]; len(timeouts) > 0 {
		seconds, err := strconv.ParseInt(timeouts[len(timeouts)-1], 10, 64)
		if err != nil {
			refuse(w, http.StatusBadRequest, "cannot parse value of timeout parameter")
			return
		}
		request.Timeout = seconds
	}
	id, up := running(w, pod, name)
	if !up {
		return
	}
	request.ContainerId, request.Location = id, s.checkpointFile(pod, name)
	err := os.MkdirAll(s.options.CheckpointDir, 0o700)
	if err == nil {
		err = runtime.CheckpointContainer(r.Context(), request)
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "checkpointing of %v/%v/%v failed (%v)", pod.Namespace, pod.Name, name, err)
		return
	}
	s.answer(w, map[string][]string{"items": {request.Location}})
}

// checkpointFile has the kubelet's name.
func (s *Server) checkpointFile(pod *corev1.Pod, container string) string {
	at := s.options.Clock.Now().Format(time.RFC3339)
	return filepath.Join(s.options.CheckpointDir, fmt.Sprintf("checkpoint-%s_%s-%s-%s.tar", pod.Name, pod.Namespace, container, at))
}

// hasContainer says whether the pod has a container of a name, of any kind.
func hasContainer(pod *corev1.Pod, name string) bool {
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == name {
			return true
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return true
			}
		}
	}
	return false
}
