package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// look is how often the cluster is asked: the resolution of the figures.
	look = 20 * time.Millisecond
	// patience bounds each wait.
	patience = 5 * time.Minute
	// webImage is the image that every instance has.
	webImage = "registry.orrery.dev/web:1"
)

// plane is a control plane that is being measured.
type plane struct {
	orrery  string
	dir     string
	process *exec.Cmd
	started time.Time
	client  *kubernetes.Clientset
}

func start(orrery, runtime string) (*plane, error) {
	dir, err := os.MkdirTemp("", "orrery-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	p := &plane{orrery: orrery, dir: dir}
	log, err := os.Create(filepath.Join(dir, "up.log"))
	if err != nil {
		return nil, fmt.Errorf("making a log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	p.process = exec.Command(orrery, p.args("up", "--foreground", "--runtime", runtime)...)
	p.process.Stdout, p.process.Stderr = log, log
	p.started = time.Now()
	if err := p.process.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", orrery, err)
	}
	return p, nil
}

func (p *plane) args(command string, more ...string) []string {
	return append([]string{command, "--data-dir", p.dir, "--name", "bench"}, more...)
}

// remove ends the control plane, and removes all that it made.
func (p *plane) remove() error {
	signalled := p.process.Process.Signal(os.Interrupt)
	ended := p.process.Wait()
	out, reset := exec.Command(p.orrery, p.args("reset", "--yes")...).CombinedOutput()
	if reset != nil {
		reset = fmt.Errorf("resetting: %w: %s", reset, out)
	}
	return errors.Join(signalled, ended, reset, os.RemoveAll(p.dir))
}

// untilReady connects as soon as there is a way to, and waits for /readyz.
func (p *plane) untilReady(ctx context.Context) (time.Duration, error) {
	return p.until(ctx, p.started, "/readyz", func(ctx context.Context) (bool, error) {
		if p.client == nil {
			config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(p.dir, "bench", "kubeconfig"))
			if err != nil {
				return false, nil //nolint:nilerr // it is not written yet
			}
			if p.client, err = unlimited(config); err != nil {
				return false, err
			}
		}
		status := 0
		p.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status)
		return status == http.StatusOK, nil
	})
}

func unlimited(config *rest.Config) (*kubernetes.Clientset, error) {
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

func (p *plane) untilFirstPod(ctx context.Context) (time.Duration, error) {
	pods := p.client.CoreV1().Pods("default")
	created := false
	return p.until(ctx, p.started, "a Running pod", func(ctx context.Context) (bool, error) {
		if !created {
			_, err := pods.Create(ctx, &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "first"},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{web()}},
			}, metav1.CreateOptions{})
			created = err == nil
			return false, nil // its service account may be on its way
		}
		pod, err := pods.Get(ctx, "first", metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning, nil
	})
}

func (p *plane) untilAllReady(ctx context.Context, replicas int) (time.Duration, error) {
	deployments := p.client.AppsV1().Deployments("default")
	labels := map[string]string{"app": "fifty"}
	began := time.Now()
	_, err := deployments.Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "fifty"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(replicas)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{web()}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("creating a Deployment: %w", err)
	}
	return p.until(ctx, began, "all pods Ready", func(ctx context.Context) (bool, error) {
		d, err := deployments.Get(ctx, "fifty", metav1.GetOptions{})
		return err == nil && int(d.Status.ReadyReplicas) == replicas, nil
	})
}

func web() corev1.Container { return corev1.Container{Name: "web", Image: webImage} }

// until waits for a condition, and says how long it took since a moment.
func (p *plane) until(ctx context.Context, since time.Time, what string, met func(context.Context) (bool, error)) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		switch ok, err := met(ctx); {
		case err != nil:
			return 0, err
		case ok:
			return time.Since(since), nil
		}
		if err := pause(ctx, look); err != nil {
			log, _ := os.ReadFile(filepath.Join(p.dir, "up.log")) // what it said helps, if it said anything
			return 0, fmt.Errorf("waiting for %s: %w; its log:\n%s", what, err, log)
		}
	}
}
