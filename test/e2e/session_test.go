package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// The session of the README, on each runtime.
func TestADeploymentFromApplyToDelete(t *testing.T) {
	t.Parallel()
	for _, runtime := range []string{"simulated", "containerd"} {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			if runtime == "containerd" {
				needsContainers(t)
			}
			p := newPlane(t)
			if said := p.up("--runtime", runtime); !strings.Contains(said, "ready") || !strings.Contains(said, "KUBECONFIG") {
				t.Errorf("up does not say what to do next:\n%s", said)
			}
			p.kubectl("apply", "-f", "../../examples/web/deployment.yaml")
			p.rolledOut("web")
			p.becomes("Running Running Running", "pods", "{.items[*].status.phase}", "-l", "app=web")
			if ips := strings.Fields(p.get("pods", "{.items[*].status.podIP}", "-l", "app=web")); len(ips) != 3 {
				t.Errorf("pod IPs = %q, want three", ips)
			}

			p.kubectl("scale", "deployment/web", "--replicas=5")
			p.becomes("5", "deployment/web", "{.status.readyReplicas}")
			second := p.kubectl("get", "deployments.apps.orrery.dev", "web", "-o", "jsonpath={.status.readyReplicas} {.metadata.uid}")
			if want := "5 " + p.get("deployment/web", "{.metadata.uid}"); second != want {
				t.Errorf("under its second name the Deployment has %q, want %q", second, want)
			}
			if runtime == "containerd" {
				talkToContainers(t, p)
			}

			p.kubectl("set", "env", "deployment/web", "GREETING=again")
			p.rolledOut("web")
			p.kubectl("rollout", "undo", "deployment/web")
			p.rolledOut("web")
			if history := p.kubectl("rollout", "history", "deployment/web"); !strings.Contains(history, "3") {
				t.Errorf("history after an undo:\n%s\nwant revision 3", history)
			}
			if plan := p.orrery("plan", "deployment/web"); !strings.Contains(plan, "nothing to do") {
				t.Errorf("plan of a settled Deployment:\n%s", plan)
			}

			p.kubectl("delete", "deployment/web")
			p.becomes("", "replicasets,pods", "{.items[*].metadata.name}", "-l", "app=web")
		})
	}
}

// talkToContainers uses what needs a container that really runs.
func talkToContainers(t *testing.T, p *plane) {
	t.Helper()
	pod := strings.Fields(p.get("pods", "{.items[*].metadata.name}", "-l", "app=web"))[0]
	if logs := p.kubectl("logs", pod); !strings.Contains(logs, "listening") {
		t.Errorf("logs of %s: %q", pod, logs)
	}
	if hostname := strings.TrimSpace(p.kubectl("exec", pod, "--", "/web", "cat", "/etc/hostname")); hostname != pod {
		t.Errorf("hostname of %s = %q", pod, hostname)
	}
	server := p.kubectl("exec", pod, "--", "/web", "env")
	if !strings.Contains(server, "KUBERNETES_SERVICE_HOST=") {
		t.Errorf("environment of %s has no address of the API server:\n%s", pod, server)
	}
	if _, err := os.Stat("/proc/self/ns/net"); err != nil {
		t.Error(err)
	}
}

func TestTwoControlPlanesSideBySide(t *testing.T) {
	t.Parallel()
	first, second := start(t, "--runtime", "simulated"), newPlane(t)
	second.up("--runtime", "simulated")
	first.kubectl("create", "configmap", "mine")
	if found := second.get("configmap/mine", "{.metadata.name}"); found != "" {
		t.Error("the second control plane has the first one's object")
	}
	second.orrery("down")
	first.kubectl("get", "configmap", "mine")
}

func TestStatusTellsEachComponent(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	status := p.orrery("status")
	for _, component := range []string{"apiserver", "controllers", "scheduler", "simulated-nodes"} {
		if !strings.Contains(status, component) {
			t.Errorf("status does not tell of %s:\n%s", component, status)
		}
	}
	p.isTheOnlyMember()
	p.orrery("down")
	if said := p.fails("status"); !strings.Contains(said, "not running") || !strings.Contains(said, " up'") {
		t.Errorf("status of a stopped control plane: %s", said)
	}
	p.up("--runtime", "simulated")
	p.orrery("status")
}

// isTheOnlyMember holds that a control plane that no other machine reaches tells of its one member, and of how there come to be more.
func (p *plane) isTheOnlyMember() {
	p.t.Helper()
	var list listedMembers
	if err := json.Unmarshal([]byte(p.orrery("members", "-o", "json")), &list); err != nil {
		p.t.Fatal(err)
	}
	if len(list.Members) != 1 || !list.Members[0].Leader || !list.Members[0].Healthy {
		p.t.Errorf("the members are %+v, want one that leads and is well", list.Members)
	}
	if !strings.Contains(list.Advice, "up --bind-address") || !strings.Contains(list.Advice, "token create --control-plane") {
		p.t.Errorf("the advice is %q, and does not say how others join", list.Advice)
	}
	if said := p.fails("members", "remove", list.Members[0].Name); !strings.Contains(said, "it is the only member that votes") {
		p.t.Errorf("removing the only member: %s", said)
	}
}

func TestAControlPlaneThatIsLeftAloneWarnsOfNothing(t *testing.T) {
	address := outside(t)
	p := start(t, "--runtime", "simulated", "--bind-address", address, "--advertise-address", address)
	// By then its reconciler has written Endpoints, and its garbage collector watches them: both are told that they are deprecated.
	await.Until(t, "the garbage collector to work and the Service kubernetes to have endpoints", func() (string, bool) {
		log := p.orrery("logs")
		endpoints := p.get("endpointslices", "{.items[*].endpoints[*].addresses}")
		return endpoints, strings.Contains(log, `msg="Starting workers" controller=garbage-collector-controller`) && strings.Contains(endpoints, address)
	})
	for line := range strings.Lines(p.orrery("logs")) {
		if strings.Contains(line, "deprecated") || strings.Contains(line, "manifest file is empty") || strings.Contains(line, "Warning:") {
			t.Error(line)
		}
	}
}
