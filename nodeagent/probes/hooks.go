package probes

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Run runs a lifecycle hook of a container: a command in it, a request to it, or a sleep.
func (n *Network) Run(ctx context.Context, pod *corev1.Pod, containerID string, hook *corev1.LifecycleHandler, ips []string) error {
	switch {
	case hook.Exec != nil:
		// Zero is no limit of its own: the context has the grace.
		if _, stderr, err := n.executor.ExecSync(ctx, containerID, hook.Exec.Command, remaining(ctx)); err != nil {
			return fmt.Errorf("running the hook %q: %w: %s", hook.Exec.Command, err, stderr)
		}
		return nil
	case hook.HTTPGet != nil:
		ip := ""
		if len(ips) > 0 {
			ip = ips[0]
		}
		return n.request(ctx, pod, hook.HTTPGet, ip)
	case hook.Sleep != nil:
		return sleep(ctx, time.Duration(hook.Sleep.Seconds)*time.Second)
	default:
		return errors.New("running the hook: it says nothing to do")
	}
}

// request succeeds when there is any answer at all, as upstream's hooks do.
func (n *Network) request(ctx context.Context, pod *corev1.Pod, action *corev1.HTTPGetAction, ip string) error {
	request, err := Request(ctx, action, withPort(pod, action.Port.StrVal), ip)
	if err != nil {
		return fmt.Errorf("running the hook: %w", err)
	}
	response, err := n.client.Do(request)
	if err != nil {
		return fmt.Errorf("running the hook: %w", err)
	}
	return response.Body.Close()
}

// withPort returns the container that names a port, or nil.
func withPort(pod *corev1.Pod, port string) *corev1.Container {
	for i := range pod.Spec.Containers {
		for _, named := range pod.Spec.Containers[i].Ports {
			if port != "" && named.Name == port {
				return &pod.Spec.Containers[i]
			}
		}
	}
	return nil
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// remaining is what is left until the context ends; zero if it does not.
func remaining(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(time.Until(end), time.Millisecond)
	}
	return 0
}
