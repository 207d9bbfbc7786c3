package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// busy is a Deployment whose pods use half of a core each from the start on, of a tenth that they asked for, and an autoscaler of it.
const busy = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: busy}
spec:
  selector: {matchLabels: {app: busy}}
  template:
    metadata:
      labels: {app: busy}
      annotations: {simulated.orrery.dev/cpu-usage: 500m, simulated.orrery.dev/memory-usage: 64Mi, simulated.orrery.dev/memory-usage.sidecar: 8Mi}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: app, image: app, resources: {requests: {cpu: 100m, memory: 128Mi}}}
      - {name: sidecar, image: sidecar, resources: {requests: {cpu: 100m, memory: 128Mi}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: busy}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: busy}
  minReplicas: 1
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 100}}}
  - {type: ContainerResource, containerResource: {name: memory, container: sidecar, target: {type: AverageValue, averageValue: 8Mi}}}
`

// Autoscalers are looked at often here, and the CPU of a pod counts from its first measurement on.
const (
	quickly = "--horizontal-pod-autoscaler-sync-period=2s"
	atOnce  = "--horizontal-pod-autoscaler-cpu-initialization-period=0s"
)

// shows waits until a command prints what a pattern matches.
func (p *plane) shows(pattern string, args ...string) {
	p.t.Helper()
	matches := regexp.MustCompile(pattern)
	await.Until(p.t, fmt.Sprintf("orrery %s to print %s", strings.Join(args, " "), pattern), func() (string, bool) {
		out, err := p.try(args...)
		if err != nil {
			return err.Error(), false
		}
		return out, matches.MatchString(out)
	})
}

func TestWhatPodsUseIsKnownAndScaledBy(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated", "--nodes", "2", quickly, atOnce)
	p.becomes("True", "apiservice/v1beta1.metrics.k8s.io", `{.status.conditions[?(@.type=="Available")].status}`)
	p.apply(busy)
	p.becomes("3", "deployment/busy", "{.status.readyReplicas}")
	p.shows(`(?m)^busy-\S+ +app +(49|50)\dm +64Mi *$`, "kubectl", "top", "pod", "--containers", "--no-headers")
	p.shows(`(?m)^busy-\S+ +\d{3,4}m +72Mi *$`, "kubectl", "top", "pod", "-l", "app=busy", "--no-headers")
	p.shows(`(?m)^simulated-0 +\d+m +\d+% +\d+Mi +\d+% *\n^simulated-1 +\d+m`, "kubectl", "top", "node", "--no-headers")
	p.shows(`NAME +CPU +MEMORY +WINDOW *\nsimulated-0 +\S+ +\S+ +1?\d[.s]`, "kubectl", "get", "nodes.metrics.k8s.io")
	p.becomes("True ValidMetricFound", "hpa/busy", `{range .status.conditions[?(@.type=="ScalingActive")]}{.status} {.reason}{end}`)

	t.Run("until somebody else answers for it", func(t *testing.T) {
		p := p.within(t)
		p.kubectl("patch", "apiservice", "v1beta1.metrics.k8s.io", "--type=merge", "-p",
			`{"spec":{"service":{"namespace":"default","name":"kubernetes"},"insecureSkipTLSVerify":true}}`)
		p.orrery("down")
		p.up("--runtime", "simulated", "--nodes", "2")
		p.becomes("kubernetes", "apiservice/v1beta1.metrics.k8s.io", "{.spec.service.name}")
	})
}

// used is the demo with an autoscaler that it always makes scale: it uses more memory than a mebibyte.
const used = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: registry.orrery.dev/web:1, resources: {requests: {cpu: 10m, memory: 16Mi}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 2
  metrics:
  - {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 100Ki}}}
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
`

func TestWhatContainersUseIsKnownAndScaledBy(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd", quickly, atOnce)
	p.apply(used)
	p.becomes("2", "deployment/web", "{.status.readyReplicas}")
	p.shows(`(?m)^web-\S+ +web +\d+m +\d+Mi *\n^web-\S+ +web +\d+m +\d+Mi *$`, "kubectl", "top", "pod", "--containers", "--no-headers")
	p.shows(`(?m)^\S+ +\d+m +\d+% +\d+Mi +\d+% *$`, "kubectl", "top", "node", "--no-headers")
	p.becomes("cpu memory", "hpa/web", "{.status.currentMetrics[1].resource.name} {.status.currentMetrics[0].resource.name}")
}
