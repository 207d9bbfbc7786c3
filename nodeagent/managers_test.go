package nodeagent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"

	"github.com/orrery-dev/orrery/nodeagent/cpus"
	"github.com/orrery-dev/orrery/nodeagent/devices"
	"github.com/orrery-dev/orrery/nodeagent/topology"
)

func TestWhatManagersCannotBeIsRefused(t *testing.T) {
	for want, c := range map[string]kubeletconfigv1beta1.KubeletConfiguration{
		`cpuManagerPolicy: "dynamic": want one of ["none" "static"]`:                       {CPUManagerPolicy: "dynamic"},
		`memoryManagerPolicy: "BestEffort": want one of ["None" "Static"]`:                 {MemoryManagerPolicy: "BestEffort"},
		`topologyManagerPolicy: "best": want one of`:                                       {TopologyManagerPolicy: "best"},
		`topologyManagerScope: "node": want one of`:                                        {TopologyManagerScope: "node"},
		`cpuManagerPolicyOptions: map[full-pcpus-only:true]: want none without the policy`: {CPUManagerPolicyOptions: map[string]string{"full-pcpus-only": "true"}},
		`cpuManagerPolicyOptions: align-by-socket: there is no such option`: {
			CPUManagerPolicy: "static", CPUManagerPolicyOptions: map[string]string{"align-by-socket": "true"},
		},
		`topologyManagerPolicyOptions: max-allowable-numa-nodes: "4": want 8 or more`: {TopologyManagerPolicyOptions: map[string]string{"max-allowable-numa-nodes": "4"}},
		`topologyManagerPolicyOptions: prefer-nothing: there is no such option`:       {TopologyManagerPolicyOptions: map[string]string{"prefer-nothing": "true"}},
		`reservedSystemCPUs: "some": want a list`:                                     {ReservedSystemCPUs: "some"},
		`reservedSystemCPUs: 0: want none with a systemReservedCgroup`:                {ReservedSystemCPUs: "0", SystemReservedCgroup: "/system"},
	} {
		if err := CheckConfiguration(&c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestManagersAreAsConfigured(t *testing.T) {
	if _, err := os.Stat(topology.System); err != nil {
		t.Skipf("this is not Linux: %v", err)
	}
	made := func(root string, c kubeletconfigv1beta1.KubeletConfiguration) (cpuManager *cpus.Manager, err error) {
		o := &Options{RootDir: root, Configuration: &c, Capacity: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}, allocatable: reservedBy(&c)}
		if o.reserved, err = o.allocatable.Parse(); err != nil {
			return nil, err
		}
		m, err := o.assignments(devices.New(devices.Options{Root: root}))
		if err != nil {
			return nil, err
		}
		return m.CPUs, nil
	}
	root := t.TempDir()
	if m, err := made(root, kubeletconfigv1beta1.KubeletConfiguration{}); err != nil || m != nil {
		t.Errorf("by default there is %v, %v", m, err)
	}
	if _, err := made(root, kubeletconfigv1beta1.KubeletConfiguration{CPUManagerPolicy: "static"}); err == nil {
		t.Error("CPUs are given away without one being reserved")
	}
	m, err := made(root, kubeletconfigv1beta1.KubeletConfiguration{
		CPUManagerPolicy: "static", TopologyManagerPolicy: "restricted", ReservedSystemCPUs: "0", KubeReserved: map[string]string{"cpu": "500m"},
	})
	if err != nil || m == nil || m.Allocatable().Contains(0) {
		t.Errorf("with CPU 0 reserved there is %+v, %v", m, err)
	}
	if _, err := made(root, kubeletconfigv1beta1.KubeletConfiguration{TopologyManagerPolicy: "best-effort"}); err != nil {
		t.Error(err)
	}
	if _, err := made(root, kubeletconfigv1beta1.KubeletConfiguration{MemoryManagerPolicy: "Static"}); err == nil {
		t.Error("memory is given away without any being reserved")
	}
	if err := os.WriteFile(filepath.Join(root, cpus.StateFile), []byte(`{"policyName":"static"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := made(root, kubeletconfigv1beta1.KubeletConfiguration{}); err == nil || !strings.Contains(err.Error(), `configured policy "none" differs from state checkpoint policy "static"`) {
		t.Errorf("without the policy that containers have CPUs by: %v", err)
	}
}
