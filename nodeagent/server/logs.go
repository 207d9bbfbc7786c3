package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	pod, runtime, found := s.find(w, r)
	if !found {
		return
	}
	options, err := logOptions(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "%v", err)
		return
	}
	name := r.PathValue("container")
	id, err := instance(pod, name, options.Previous)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	reader, ok := runtime.(cri.LogReader)
	if !ok {
		refuse(w, http.StatusNotImplemented, "the runtime of this node keeps no logs")
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	out := &flushing{Writer: w}
	out.flush, _ = w.(http.Flusher)
	if options.Follow && out.flush != nil {
		out.flush.Flush() // the client sees at once that there is somebody
	}
	if err := reader.ReadLog(r.Context(), id, options, out); err != nil && r.Context().Err() == nil {
		s.options.Log.Error(err, "Reading the log of a container", "pod", pod.Namespace+"/"+pod.Name, "container", name)
		fmt.Fprintf(w, "unable to retrieve container logs for %s: %v\n", id, err)
	}
}

// instance returns the ID of the container whose log is asked for.
func instance(pod *corev1.Pod, name string, previous bool) (string, error) {
	status := statusOf(pod, name)
	if status == nil {
		return "", fmt.Errorf("container %q in pod %q is not available", name, pod.Name)
	}
	last := status.LastTerminationState.Terminated
	var id string
	switch {
	case previous && (last == nil || last.ContainerID == ""):
		return "", fmt.Errorf("previous terminated container %q in pod %q not found", name, pod.Name)
	case previous:
		id = last.ContainerID
	case status.State.Running != nil:
		id = status.ContainerID
	case status.State.Terminated != nil:
		id = status.State.Terminated.ContainerID
	case last != nil:
		id = last.ContainerID
	case status.State.Waiting != nil && status.State.Waiting.Reason != "":
		return "", fmt.Errorf("container %q in pod %q is waiting to start: %v", name, pod.Name, waiting(status.State.Waiting))
	}
	if id == "" {
		return "", fmt.Errorf("container %q in pod %q is not available", name, pod.Name)
	}
	_, id, _ = strings.Cut(id, "://")
	return id, nil
}

// waiting is what upstream says about a container that has not started.
func waiting(state *corev1.ContainerStateWaiting) string {
	switch state.Reason {
	case "ErrImagePull":
		return "image can't be pulled"
	case "ImagePullBackOff":
		return "trying and failing to pull image"
	default:
		return state.Reason
	}
}

func statusOf(pod *corev1.Pod, name string) *corev1.ContainerStatus {
	for _, list := range [][]corev1.ContainerStatus{
		pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses,
	} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// logOptions reads what kubectl's flags become.
func logOptions(query url.Values) (*corev1.PodLogOptions, error) {
	options := &corev1.PodLogOptions{}
	var errs []error
	boolean := func(name string) bool {
		value := query.Get(name)
		if value == "" {
			return false
		}
		parsed, err := strconv.ParseBool(value)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is neither true nor false", name, value))
		}
		return parsed
	}
	number := func(name string, least int64) *int64 {
		value := query.Get(name)
		if value == "" {
			return nil
		}
		parsed, err := strconv.ParseInt(value, 10, 64)
		if err != nil || parsed < least {
			errs = append(errs, fmt.Errorf("%s: %q is not a number of at least %d", name, value, least))
		}
		return &parsed
	}
	options.Follow, options.Previous, options.Timestamps = boolean("follow"), boolean("previous"), boolean("timestamps")
	options.TailLines, options.LimitBytes, options.SinceSeconds = number("tailLines", 0), number("limitBytes", 1), number("sinceSeconds", 1)
	if since := query.Get("sinceTime"); since != "" {
		at, err := time.Parse(time.RFC3339, since)
		if err != nil {
			errs = append(errs, fmt.Errorf("sinceTime: %w", err))
		}
		options.SinceTime = &metav1.Time{Time: at}
	}
	if options.SinceTime != nil && options.SinceSeconds != nil {
		errs = append(errs, errors.New("at most one of `sinceTime` or `sinceSeconds` may be specified"))
	}
	if stream := query.Get("stream"); stream != "" {
		options.Stream = &stream
	}
	return options, errors.Join(errs...)
}

// flushing sends each write at once.
type flushing struct {
	io.Writer
	flush http.Flusher
}

func (f *flushing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if f.flush != nil {
		f.flush.Flush()
	}
	return n, err
}
