package server

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/proxy"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func (s *Server) exec(w http.ResponseWriter, r *http.Request) {
	pod, runtime, found := s.find(w, r)
	if !found {
		return
	}
	id, running := running(w, pod, r.PathValue("container"))
	if !running {
		return
	}
	q := r.URL.Query()
	response, err := runtime.Exec(r.Context(), &runtimeapi.ExecRequest{
		ContainerId: id, Cmd: q["command"], Tty: on(q, "tty"), Stdin: on(q, "input"), Stdout: on(q, "output"), Stderr: on(q, "error") && !on(q, "tty"),
	})
	proxyStream(w, r, response.GetUrl(), err)
}

func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	pod, runtime, found := s.find(w, r)
	if !found {
		return
	}
	name := r.PathValue("container")
	id, running := running(w, pod, name)
	if !running {
		return
	}
	q, tty := r.URL.Query(), hasTTY(pod, name)
	response, err := runtime.Attach(r.Context(), &runtimeapi.AttachRequest{
		ContainerId: id, Tty: tty, Stdin: on(q, "input"), Stdout: on(q, "output"), Stderr: on(q, "error") && !tty,
	})
	proxyStream(w, r, response.GetUrl(), err)
}

func (s *Server) portForward(w http.ResponseWriter, r *http.Request) {
	pod, runtime, found := s.find(w, r)
	if !found {
		return
	}
	request := &runtimeapi.PortForwardRequest{}
	for _, value := range r.URL.Query()["port"] {
		for each := range strings.SplitSeq(value, ",") {
			port, err := strconv.ParseUint(each, 10, 16)
			if err != nil {
				refuse(w, http.StatusBadRequest, "port %q is not a number from 1 to 65535", each)
				return
			}
			request.Port = append(request.Port, int32(port))
		}
	}
	sandbox, err := sandboxOf(r, runtime, pod)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "%v", err)
		return
	}
	if sandbox == "" {
		refuse(w, http.StatusNotFound, "pod %q is not running", pod.Namespace+"/"+pod.Name)
		return
	}
	request.PodSandboxId = sandbox
	response, err := runtime.PortForward(r.Context(), request)
	proxyStream(w, r, response.GetUrl(), err)
}

// running returns the ID of a running container of the pod; otherwise it answers and returns false.
func running(w http.ResponseWriter, pod *corev1.Pod, name string) (string, bool) {
	status := statusOf(pod, name)
	if status == nil || status.State.Running == nil {
		refuse(w, http.StatusNotFound, "container not found (%q)", name)
		return "", false
	}
	_, id, _ := strings.Cut(status.ContainerID, "://")
	return id, true
}

func sandboxOf(r *http.Request, runtime cri.Runtime, pod *corev1.Pod) (string, error) {
	found, err := runtime.ListPodSandbox(r.Context(), &runtimeapi.PodSandboxFilter{
		LabelSelector: map[string]string{cri.LabelPodUID: string(pod.UID)},
		State:         &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY},
	})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].Id, nil
}

// proxyStream hands the connection on to the runtime's own server.
func proxyStream(w http.ResponseWriter, r *http.Request, address string, err error) {
	if err != nil {
		refuse(w, http.StatusInternalServerError, "%v", err)
		return
	}
	target, err := url.Parse(address)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "reading the runtime's address: %v", err)
		return
	}
	proxy.NewUpgradeAwareHandler(target, nil, false, true, responder{}).ServeHTTP(w, r)
}

type responder struct{}

func (responder) Error(w http.ResponseWriter, _ *http.Request, err error) {
	refuse(w, http.StatusInternalServerError, "%v", err)
}

// on reads one of the switches of a stream: input, output, error or tty.
func on(query url.Values, name string) bool {
	return query.Get(name) == "1" || query.Get(name) == "true"
}

func hasTTY(pod *corev1.Pod, name string) bool {
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == name {
			return pod.Spec.Containers[i].TTY
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == name {
			return pod.Spec.EphemeralContainers[i].TTY
		}
	}
	return false
}
