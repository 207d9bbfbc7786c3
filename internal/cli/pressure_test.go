package cli

import (
	"net"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/nodeconfig"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

func TestOnlyAMachineThatPeopleUseIsLeftLessDisk(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // nobody was let in
	said := map[string]string{"nodefs.available": "1Gi"}
	for _, test := range []struct {
		name   string
		shared bool
		said   map[string]string
		want   string
	}{
		{"a machine that is a node and nothing else has a kubelet's thresholds", false, nil, ""},
		{"one that people use has less kept free", true, nil, "5%"},
		{"what its configuration says stays", true, said, "1Gi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &machine{sharedDisk: test.shared, node: nodeconfig.Node{Configuration: &kubeletconfigv1beta1.KubeletConfiguration{EvictionHard: test.said}}}
			if got := m.configuration(listener).EvictionHard["nodefs.available"]; got != test.want {
				t.Errorf("pods are evicted when %q is left, want %q", got, test.want)
			}
		})
	}
}
