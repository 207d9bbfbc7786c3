package nodeagent_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/nodeagent"
)

const deadline = 30 * time.Second

// eventually waits until check returns "", and says otherwise what it returned last.
func eventually(t *testing.T, what string, check func() string) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(deadline)
	for {
		seen := check()
		if seen == "" {
			return
		}
		select {
		case <-timeout:
			t.Fatalf("waiting until %s: %s", what, seen)
		case <-ticker.C:
		}
	}
}

func startServer(t *testing.T) (*rest.Config, kubernetes.Interface) {
	t.Helper()
	server, err := apiserver.Start(context.Background(), apiserver.Options{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "default"}}
	eventually(t, "the default service account is there", func() string {
		_, err := client.CoreV1().ServiceAccounts("default").Create(t.Context(), account, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err.Error()
		}
		return ""
	})
	return config, client
}

func run(t *testing.T, start func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("running the nodes: %v", err)
		}
	})
}

func TestFleet(t *testing.T) {
	config, client := startServer(t)
	fleet, err := nodeagent.NewFleet(nodeagent.FleetOptions{Config: config, Nodes: 3})
	if err != nil {
		t.Fatal(err)
	}
	run(t, fleet.Run)

	t.Run("registers nodes that are ready and have leases", func(t *testing.T) {
		for i := range 3 {
			name := fmt.Sprintf("node-%d", i)
			eventually(t, name+" is ready", func() string {
				node, err := client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
				if err != nil {
					return err.Error()
				}
				for _, c := range node.Status.Conditions {
					if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
						return ""
					}
				}
				return fmt.Sprint(node.Status.Conditions)
			})
			eventually(t, name+" has a lease", func() string {
				_, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), name, metav1.GetOptions{})
				if err != nil {
					return err.Error()
				}
				return ""
			})
		}
	})

	t.Run("puts a status right that somebody else has changed", func(t *testing.T) {
		pod := create(t, client, "slandered", "node-2", nil)
		eventually(t, "the pod is ready", func() string { return notReady(t, client, pod.Name) })
		slander := []byte(`{"status":{"conditions":[{"type":"Ready","status":"False","reason":"NodeNotReady"}]}}`)
		changed, err := client.CoreV1().Pods("default").Patch(t.Context(), pod.Name, types.StrategicMergePatchType, slander, metav1.PatchOptions{}, "status")
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the pod is ready again", func() string {
			if get(t, client, pod.Name).ResourceVersion == changed.ResourceVersion {
				return "it is as it was left"
			}
			return notReady(t, client, pod.Name)
		})
	})

	t.Run("runs a pod with an address, and lets go of it when it is deleted", func(t *testing.T) {
		pod := create(t, client, "web", "node-1", nil)
		eventually(t, "the pod is ready", func() string { return notReady(t, client, pod.Name) })
		found := get(t, client, pod.Name)
		if found.Status.PodIP == "" || found.Status.HostIP != "127.0.0.1" {
			t.Errorf("pod has address %q on %q", found.Status.PodIP, found.Status.HostIP)
		}
		if err := client.CoreV1().Pods("default").Delete(t.Context(), pod.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the pod is gone", func() string {
			_, err := client.CoreV1().Pods("default").Get(t.Context(), pod.Name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return ""
			}
			return fmt.Sprintf("still there: %v", err)
		})
	})

	t.Run("runs a pod to its end", func(t *testing.T) {
		pod := create(t, client, "job", "node-2", func(p *corev1.Pod) {
			p.Annotations = map[string]string{"simulated.orrery.dev/run-for": "100ms"}
			p.Spec.RestartPolicy = corev1.RestartPolicyNever
		})
		eventually(t, "the pod succeeded", func() string {
			if found := get(t, client, pod.Name); found.Status.Phase != corev1.PodSucceeded {
				return fmt.Sprint(found.Status)
			}
			return ""
		})
	})
}

func create(t *testing.T, client kubernetes.Interface, name, node string, change func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
	pod.Spec.NodeName = node
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "registry.orrery.dev/web:1"}}
	if change != nil {
		change(pod)
	}
	created, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func get(t *testing.T, client kubernetes.Interface, name string) *corev1.Pod {
	t.Helper()
	pod, err := client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func notReady(t *testing.T, client kubernetes.Interface, name string) string {
	t.Helper()
	pod := get(t, client, name)
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && pod.Status.Phase == corev1.PodRunning {
			return ""
		}
	}
	return fmt.Sprintf("%s %+v %+v", pod.Status.Phase, pod.Status.Conditions, pod.Status.ContainerStatuses)
}
