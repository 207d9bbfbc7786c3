package cgroups

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAClassCountsAsWhatItsPodsRequest(t *testing.T) {
	pod := func(phase corev1.PodPhase, containers ...corev1.Container) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{Containers: containers}, Status: corev1.PodStatus{Phase: phase}}
	}
	asks := func(cpu string) corev1.Container {
		c := container(cpu, "64Mi")
		c.Resources.Requests, c.Resources.Limits = c.Resources.Limits, nil
		return c
	}
	classes := Classes([]*corev1.Pod{
		pod(corev1.PodRunning, asks("500m"), asks("250m")), pod(corev1.PodPending, asks("250m")), pod(corev1.PodSucceeded, asks("8")),
		pod(corev1.PodRunning, container("4", "64Mi")), pod(corev1.PodRunning, corev1.Container{}),
	})
	if got := classes[corev1.PodQOSBurstable].Shares; got != 1024 {
		t.Errorf("Burstable pods that request one CPU together have %d shares, want 1024", got)
	}
	if got := classes[corev1.PodQOSBestEffort].Shares; got != 2 || Classes(nil)[corev1.PodQOSBurstable].Shares != 2 {
		t.Errorf("BestEffort pods have %d shares, want 2, as Burstable ones have if there are none", got)
	}
	f := &FS{Mount: t.TempDir(), V2: true, root: "/all"}
	for _, dir := range []string{"", "all", "all/burstable", "all/besteffort"} {
		if err := os.MkdirAll(filepath.Join(f.Mount, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"cgroup.controllers", "cgroup.subtree_control", "cpu.weight"} {
			if err := os.WriteFile(filepath.Join(f.Mount, dir, file), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.SetClasses(classes); err != nil {
		t.Fatal(err)
	}
	for class, want := range map[string]string{"burstable": "39", "besteffort": "1"} {
		if got, err := os.ReadFile(filepath.Join(f.Mount, "all", class, "cpu.weight")); err != nil || string(got) != want {
			t.Errorf("the weight of %s is %q (%v), want %s", class, got, err, want)
		}
	}
}
