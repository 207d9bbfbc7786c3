package nodeconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
)

const file = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 20
clusterDomain: file.example
registerWithTaints: [{key: file, effect: NoSchedule}]
`

// load is what arguments and a file become.
func load(t *testing.T, text string, arguments ...string) (Node, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubelet.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var o Options
	flags := pflag.NewFlagSet("node", pflag.ContinueOnError)
	o.AddFileFlags(flags, "")
	o.AddFlags(flags)
	if err := flags.Parse(append(arguments, "--config", path)); err != nil {
		return Node{}, err
	}
	return o.Load(flags)
}

func TestFlagsGoOverTheFile(t *testing.T) {
	n, err := load(t, file, "--max-pods=30", "--register-with-taints=dedicated=db:NoSchedule,slow:PreferNoSchedule", "--node-labels=disk=ssd,node.kubernetes.io/pool=a", "--register-node=false")
	if err != nil {
		t.Fatal(err)
	}
	c := n.Configuration
	if c.MaxPods != 30 || c.ClusterDomain != "file.example" || c.RegisterNode == nil || *c.RegisterNode {
		t.Errorf("got %d pods, domain %s, registers %v", c.MaxPods, c.ClusterDomain, c.RegisterNode)
	}
	want := []corev1.Taint{{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoSchedule}, {Key: "slow", Effect: corev1.TaintEffectPreferNoSchedule}}
	if len(c.RegisterWithTaints) != 2 || c.RegisterWithTaints[0] != want[0] || c.RegisterWithTaints[1] != want[1] {
		t.Errorf("taints are %v", c.RegisterWithTaints)
	}
	if n.Labels["disk"] != "ssd" || n.Labels["node.kubernetes.io/pool"] != "a" {
		t.Errorf("labels are %v", n.Labels)
	}
}

func TestAFlagThatWasNotGivenSaysNothing(t *testing.T) {
	n, err := load(t, file)
	if c := n.Configuration; err != nil || c.MaxPods != 20 || c.SerializeImagePulls != nil || len(c.RegisterWithTaints) != 1 || c.ContainerLogMaxSize != "" {
		t.Errorf("got %+v (%v)", c, err)
	}
}

// TestEveryFlagOfAKubeletSaysSomething finds a flag that is read and then forgotten.
func TestEveryFlagOfAKubeletSaysSomething(t *testing.T) {
	var o Options
	flags := pflag.NewFlagSet("node", pflag.ContinueOnError)
	o.AddFlags(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		if overrides[f.Name] == nil && f.Name != "node-labels" {
			t.Errorf("nothing comes of --%s", f.Name)
		}
	})
	for name := range overrides {
		if flags.Lookup(name) == nil {
			t.Errorf("there is no --%s", name)
		}
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for _, test := range []struct {
		name, text string
		arguments  []string
		want       string
	}{
		{"a field that is not obeyed", file + "cgroupDriver: systemd\n", nil, "cgroupDriver"},
		{"a value that means nothing", file, []string{"--max-pods=-1"}, "maxPods: -1"},
		{"a label of Kubernetes' own", file, []string{"--node-labels=node-role.kubernetes.io/master="}, "node-role.kubernetes.io/master"},
		{"a label that cannot be", file, []string{"--node-labels=a b=c"}, `"a b"`},
		{"a value of a label that cannot be", file, []string{"--node-labels=a=b c"}, `"b c"`},
		{"a taint without effect", file, []string{"--register-with-taints=a=b"}, "KEY=VALUE:EFFECT"},
		{"a taint with another effect", file, []string{"--register-with-taints=a:NoWay"}, "NoSchedule, PreferNoSchedule or NoExecute"},
		{"a taint that cannot be", file, []string{"--register-with-taints=a b:NoSchedule"}, "is no taint"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := load(t, test.text, test.arguments...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSimulatedNodesTakeLabelsAndTaintsAlone(t *testing.T) {
	var o Options
	flags := pflag.NewFlagSet("node", pflag.ContinueOnError)
	o.AddFileFlags(flags, "")
	o.AddFlags(flags)
	if err := flags.Parse([]string{"--node-labels=a=b", "--register-with-taints=a:NoExecute"}); err != nil {
		t.Fatal(err)
	}
	if err := o.ForContainers(flags); err != nil {
		t.Errorf("labels and taints: %v", err)
	}
	if err := flags.Parse([]string{"--max-pods=3", "--config=k.yaml"}); err != nil {
		t.Fatal(err)
	}
	if err := o.ForContainers(flags); err == nil || !strings.Contains(err.Error(), "--config, --max-pods: want a runtime that runs containers") {
		t.Errorf("got %v", err)
	}
}

func TestAFlagOfSomebodyElseIsLeftAlone(t *testing.T) {
	var o Options
	flags := pflag.NewFlagSet("up", pflag.ContinueOnError)
	o.AddFileFlags(flags, "node-")
	flags.String("cluster-domain", "", "that of the instance")
	if err := flags.Parse([]string{"--cluster-domain=a.test"}); err != nil {
		t.Fatal(err)
	}
	if err := o.ForContainers(flags); err != nil {
		t.Errorf("it is taken for a kubelet's: %v", err)
	}
	node, err := o.Load(flags)
	if err != nil || node.Configuration.ClusterDomain != "" {
		t.Errorf("the configuration has the domain %q (%v)", node.Configuration.ClusterDomain, err)
	}
}
