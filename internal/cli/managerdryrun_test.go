package cli

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

// heard is what a command that goes on has printed so far.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

func TestADryRunOfTheManagerPrintsPlansAndWritesNothing(t *testing.T) {
	klog.SetLogger(logr.Discard())
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Logger: logr.Discard()})
	clients := kubernetes.NewForConfigOrDie(testserver.Config(t, server, identity.Admin))
	labels := map[string]string{"app": "web"}
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
		},
	}}
	deployments := clients.AppsV1().Deployments("default")
	made, err := deployments.Create(t.Context(), web, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out heard
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs([]string{"manager", "--dry-run", "--controllers", "deployment,replicaset", "--kubeconfig", kubeconfigOf(t, server)})
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	const want = "deployment-controller for default/web:\n  create ReplicaSet default/web-"
	await.Until(t, "the plan of the Deployment", func() (string, bool) { return out.String(), strings.Contains(out.String(), want) })
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	found, err := deployments.Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil || found.ResourceVersion != made.ResourceVersion {
		t.Errorf("the Deployment was written: %v (%v)", found, err)
	}
	sets, err := clients.AppsV1().ReplicaSets("default").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(sets.Items) > 0 {
		t.Errorf("there are ReplicaSets: %v (%v)", sets, err)
	}
	happened, err := clients.EventsV1().Events("default").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(happened.Items) > 0 {
		t.Errorf("there are Events: %v (%v)", happened, err)
	}
}

func TestADryRunRefusesWhatWritesOtherwise(t *testing.T) {
	for flag, set := range map[string]func(*managerOptions){
		"--scheduler":         func(o *managerOptions) { o.scheduler = true },
		"--simulated-nodes":   func(o *managerOptions) { o.nodes = 1 },
		"--leader-elect":      func(o *managerOptions) { o.election.elect = true },
		"--webhook-cert-path": func(o *managerOptions) { o.webhooks.certDir = "/certs" },
	} {
		o := managerOptions{dryRun: true}
		set(&o)
		if err := o.checkDryRun(); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: got %v, want that it is refused", flag, err)
		}
		if o.dryRun = false; o.checkDryRun() != nil {
			t.Errorf("%s is refused without a dry run", flag)
		}
	}
}

func TestAPlanThatStaysTheSameIsPrintedOnce(t *testing.T) {
	var out bytes.Buffer
	p := newPlansTo(&out)
	p.print("job-controller", "default/a", "create Pod\nlook again in 10s: it is due then")
	p.print("job-controller", "default/a", "create Pod\nlook again in 9s: it is due then")
	p.print("job-controller", "default/b", "create Pod")
	p.print("job-controller", "default/a", "delete Pod")
	const want = `job-controller for default/a:
  create Pod
  look again in 10s: it is due then
job-controller for default/b:
  create Pod
job-controller for default/a:
  delete Pod
`
	if out.String() != want {
		t.Errorf("it prints\n%s\nwant\n%s", out.String(), want)
	}
}
