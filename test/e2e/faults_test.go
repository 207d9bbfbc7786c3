package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// web is a Deployment of the demo image; VERSION stands in its environment.
const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: IMAGE
        env: [{name: VERSION, value: "VERSION"}]
`

const webImage = "registry.orrery.dev/web:1"

func webDeployment(version string) string {
	return strings.NewReplacer("IMAGE", webImage, `"VERSION"`, `"`+version+`"`).Replace(web)
}

func TestARolloutGoesOnAfterTheProcessWasKilled(t *testing.T) {
	t.Parallel()
	for _, runtime := range []string{"simulated", "containerd"} {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			if runtime == "containerd" {
				needsContainers(t)
			}
			p := start(t, "--runtime", runtime)
			p.kubectl("create", "configmap", "kept", "--from-literal=a=b")
			p.apply(webDeployment("1"))
			p.rolledOut("web")
			p.apply(webDeployment("2"))
			await.Until(p.t, "the rollout to have begun", func() (string, bool) {
				updated := p.get("deployment/web", "{.status.updatedReplicas}")
				return updated, updated != "" && updated != "0"
			})
			p.kill()
			p.up("--runtime", runtime)
			p.rolledOut("web")
			p.becomes("2 2 2 2", "pods", `{.items[*].spec.containers[0].env[?(@.name=="VERSION")].value}`, "-l", "app=web")
			if kept := p.get("configmap/kept", "{.data.a}"); kept != "b" {
				t.Errorf("the ConfigMap from before has %q, want b", kept)
			}
		})
	}
}

func TestContainersRunOnWhileNobodyLooksAfterThem(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd")
	p.apply(webDeployment("1"))
	p.rolledOut("web")
	started := p.containers()
	p.kill()
	p.up("--runtime", "containerd")
	p.becomes("4", "deployment/web", "{.status.readyReplicas}")
	if now := p.containers(); now != started {
		t.Errorf("containers before:\n%s\nand after:\n%s\nwant the same: they are adopted", started, now)
	}
}

func TestAContainerThatWasKilledIsStartedAgain(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd")
	p.apply(strings.Replace(webDeployment("1"), "replicas: 4", "replicas: 1", 1))
	p.rolledOut("web")
	pod := p.get("pods", "{.items[0].metadata.name}", "-l", "app=web")
	if _, err := p.try("kubectl", "exec", pod, "--", "/web", "kill", "1"); err != nil {
		t.Logf("exec ended with the container: %v", err)
	}
	p.becomes("1", "pod/"+pod, "{.status.containerStatuses[0].restartCount}")
	p.becomes("true", "pod/"+pod, "{.status.containerStatuses[0].ready}")
}

func TestContainersOutliveContainerd(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd")
	p.apply(webDeployment("1"))
	p.rolledOut("web")
	started := p.containers()
	pid := p.containerd()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await.Until(p.t, "another containerd", func() (string, bool) {
		now := p.containerd()
		return strconv.Itoa(now), now != 0 && now != pid
	})
	if restarts := p.component("runtime").Restarts; restarts != 1 {
		t.Errorf("status counts %d restarts of the runtime, want 1", restarts)
	}
	if said := p.orrery("logs", "containerd", "--tail", "5"); !strings.Contains(said, "level=") {
		t.Errorf("the log of containerd ends with %q", said)
	}
	p.kubectl("scale", "deployment/web", "--replicas=5")
	p.becomes("5", "deployment/web", "{.status.readyReplicas}")
	if now := p.containers(); !strings.Contains(now, strings.Fields(started)[0]) {
		t.Errorf("containers before:\n%s\nand after:\n%s", started, now)
	}
}

func TestAnImageThatDoesNotExistIsToldAndNotTriedForever(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd")
	p.kubectl("run", "missing", "--image=registry.orrery.dev/missing:1")
	waiting := "{.status.containerStatuses[0].state.waiting.reason}"
	p.becomes("ErrImagePull", "pod/missing", waiting)
	p.becomes("ImagePullBackOff", "pod/missing", waiting)
	events := p.kubectl("get", "events", "--field-selector", "involvedObject.name=missing")
	if !strings.Contains(events, "Failed to pull image") {
		t.Errorf("no event says that the image cannot be pulled:\n%s", events)
	}
}

// kill ends the process of the control plane as a power cut does, and returns when it is gone.
func (p *plane) kill() {
	p.t.Helper()
	pid := p.pid()
	p.signal(syscall.SIGKILL)
	// It may be some time in dying, and has until then what it has open.
	await.Until(p.t, "the killed control plane to be gone", func() (string, bool) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return string(stat), err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// signal sends the process of the control plane a signal.
func (p *plane) signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.pid(), s); err != nil {
		p.t.Fatal(err)
	}
}

// pid is the process of the control plane.
func (p *plane) pid() int {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, p.name, "pid"))
	if err != nil {
		p.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// containers are the IDs of the containers of the demo, sorted by pod.
func (p *plane) containers() string {
	return p.get("pods", `{range .items[*]}{.status.containerStatuses[0].containerID}{"\n"}{end}`, "-l", "app=web")
}

// containerd is the process of the control plane's containerd, 0 while there is none.
func (p *plane) containerd() int {
	parent := strconv.Itoa(p.pid())
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, file := range stats {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended since
		}
		fields := strings.Fields(string(data))
		if fields[1] == "(containerd)" && fields[3] == parent {
			pid, err := strconv.Atoi(fields[0])
			if err != nil {
				p.t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}
