package agent

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
	"github.com/orrery-dev/orrery/webhooks"
)

const (
	patience = time.Minute
	nodeName = "machine"
	image    = "registry.orrery.dev/web:1"
)

// cluster is an API server and one node.
type cluster struct {
	t       *testing.T
	server  *apiserver.Server
	admin   *rest.Config
	client  kubernetes.Interface
	runtime *containerd.Runtime
	options nodeagent.Options
	// power is what the machine's shutdown is asked of.
	power *power
	// stopAgent ends the agent as a stopped process would; containers go on.
	stopAgent func()
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("running containers needs root")
	}
	programs, err := filepath.Abs("../../bin/runtime")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(programs, "containerd")); err != nil {
		t.Skip("there is no bin/runtime/containerd: run `make runtime` first")
	}
	w := &cluster{t: t, power: &power{shutdowns: make(chan bool)}}
	w.startServer()
	w.startRuntime(programs)
	w.startAgent()
	return w
}

func (w *cluster) startServer() {
	w.t.Helper()
	w.server = testserver.Start(w.t, apiserver.Options{Ephemeral: true, TwoNames: true})
	w.admin = testserver.Config(w.t, w.server, identity.Admin)
	var err error
	if w.client, err = kubernetes.NewForConfig(w.admin); err != nil {
		w.t.Fatal(err)
	}
	testserver.CreateServiceAccount(w.t, w.client)
	root := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt"}, Data: map[string]string{"ca.crt": string(w.server.CA())}}
	if _, err := w.client.CoreV1().ConfigMaps("default").Create(w.t.Context(), root, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *cluster) startRuntime(programs string) {
	w.t.Helper()
	dir := w.t.TempDir()
	name := fmt.Sprintf("agent-%d-%d", os.Getpid(), rand.IntN(10000))
	pods := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(128 + rand.IntN(100)), byte(rand.IntN(256)), 0}), 24)
	network, err := bridge.New(bridge.Options{
		Name: name, PodCIDRs: []netip.Prefix{pods}, ServiceCIDRs: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")}, Dir: filepath.Join(dir, "cni"),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := network.Up(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	runtime, err := containerd.New(containerd.Options{
		Dir: filepath.Join(dir, "containerd"), Programs: programs, CNIConfDir: network.ConfDir(),
		CgroupRoot: "/" + name, SharedDirs: []string{filepath.Join(dir, "node")},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runtime.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		stopped := <-ended
		cleaning, done := context.WithTimeout(context.Background(), patience)
		defer done()
		if err := errors.Join(stopped, runtime.Reset(cleaning), network.Down(cleaning)); err != nil {
			w.t.Errorf("removing the node: %v", err)
		}
	})
	waiting, done := context.WithTimeout(w.t.Context(), patience)
	defer done()
	if err := runtime.WaitReady(waiting); err != nil {
		w.t.Fatal(err)
	}
	for _, archive := range []string{"pause", "web"} {
		if _, err := runtime.Images().Load(w.t.Context(), filepath.Join("../../bin/images", archive+".tar")); err != nil {
			w.t.Fatal(err)
		}
	}
	w.runtime = runtime
	w.options = nodeagent.Options{
		NodeName: nodeName, CRIEndpoint: runtime.Endpoint(), RootDir: filepath.Join(dir, "node"), CgroupRoot: "/" + name, PodCIDRs: []string{pods.String()},
		// How full the disk of this machine is must not decide what a test sees.
		Configuration: &kubeletconfigv1beta1.KubeletConfiguration{
			EvictionHard: map[string]string{"memory.available": "100Mi"}, ImageGCHighThresholdPercent: ptr.To[int32](100),
			StaticPodPath: filepath.Join(dir, "manifests"), ShutdownGracePeriod: metav1.Duration{Duration: 30 * time.Second},
		},
		CompleteStaticPod: webhooks.CompleteStaticPod, Inhibitor: w.power.connect,
	}
}

// startAgent starts an agent with the node's own identity, as after a restart of its process.
func (w *cluster) startAgent() {
	w.t.Helper()
	config, err := w.server.Config(identity.Node(nodeName))
	if err != nil {
		w.t.Fatal(err)
	}
	certificate, err := w.server.ServingCertificate(nodeName, []string{nodeName}, []net.IP{net.IPv4(127, 0, 0, 1)})
	if err != nil {
		w.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(w.server.CA())
	options := w.options
	options.Config = config
	options.Serving = nodeagent.Serving{Listener: listener, Certificate: &certificate, ClientCAs: clients}
	agent := w.run(options)
	select {
	case <-agent.Ready():
	case <-time.After(patience):
		w.t.Fatal("the agent is not ready after a minute")
	}
}

// startAgentWithoutServer starts an agent whose API server does not answer.
func (w *cluster) startAgentWithoutServer() {
	w.t.Helper()
	options := w.options
	options.Config = &rest.Config{Host: "https://127.0.0.1:1"}
	w.run(options)
}

// run runs an agent until stopAgent.
func (w *cluster) run(options nodeagent.Options) *nodeagent.Agent {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	agent, err := nodeagent.New(ctx, options)
	if err != nil {
		cancel()
		w.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx) }()
	w.stopAgent = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("running the agent: %v", err)
		}
		w.stopAgent = func() {}
	}
	w.t.Cleanup(func() { w.stopAgent() })
	return agent
}

func (w *cluster) create(name string, change func(*corev1.Pod)) {
	w.t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
	pod.Spec.NodeName = nodeName
	pod.Spec.Containers = []corev1.Container{{Name: "web", Image: image}}
	if change != nil {
		change(pod)
	}
	if _, err := w.client.CoreV1().Pods("default").Create(w.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *cluster) get(name string) *corev1.Pod {
	w.t.Helper()
	pod, err := w.client.CoreV1().Pods("default").Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return pod
}

func (w *cluster) ready(name string) *corev1.Pod {
	w.t.Helper()
	await.Success(w.t, "pod "+name+" is ready", func() error {
		pod := w.get(name)
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("%s: %+v %+v; %s", pod.Status.Phase, pod.Status.Conditions, pod.Status.ContainerStatuses, w.events(name))
	})
	return w.get(name)
}

func (w *cluster) phase(name string, phase corev1.PodPhase) *corev1.Pod {
	w.t.Helper()
	await.Success(w.t, fmt.Sprintf("pod %s is %s", name, phase), func() error {
		if pod := w.get(name); pod.Status.Phase != phase {
			return fmt.Errorf("%s: %+v; %s", pod.Status.Phase, pod.Status.ContainerStatuses, w.events(name))
		}
		return nil
	})
	return w.get(name)
}

// remove deletes a pod and waits until it is gone; it returns how long that took.
func (w *cluster) remove(name string) time.Duration {
	w.t.Helper()
	began := time.Now()
	if err := w.client.CoreV1().Pods("default").Delete(w.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		w.t.Fatal(err)
	}
	await.Success(w.t, "pod "+name+" is gone", func() error {
		pod, err := w.client.CoreV1().Pods("default").Get(w.t.Context(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is still there (%w): %s", err, pod.Status.Phase)
	})
	return time.Since(began)
}

func (w *cluster) events(pod string) string {
	list, err := w.client.CoreV1().Events("default").List(w.t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod})
	if err != nil {
		return err.Error()
	}
	var texts []string
	for i := range list.Items {
		texts = append(texts, list.Items[i].Reason+": "+list.Items[i].Message)
	}
	return strings.Join(texts, "; ")
}
