package resourcemetrics

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const answer = `# HELP node_cpu_usage_seconds_total Cumulative cpu time
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 2.5 1700000000123
node_memory_working_set_bytes 1.073741824e+09 1700000000123
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="nginx",namespace="default",pod="web"} 0.75 1700000000100
container_memory_working_set_bytes{container="nginx",namespace="default",pod="web"} 4096 1700000000200
container_start_time_seconds{container="nginx",namespace="default",pod="web"} 1.699999e+09
container_cpu_usage_seconds_total{container="app",namespace="default",pod="starting"} 0 1700000000100
container_memory_working_set_bytes{container="app",namespace="default",pod="starting"} 4096 1700000000100
container_start_time_seconds{container="app",namespace="default",pod="nothing"} 1.699999e+09
container_cpu_usage_seconds_total{container="app",namespace="default",pod="untimed"} 1
container_memory_working_set_bytes{container="app",namespace="default",pod="untimed"} 2
pod_cpu_usage_seconds_total{namespace="default",pod="web"} 99
resource_scrape_error 0
`

func TestReadsWhatANodeTells(t *testing.T) {
	now := time.UnixMilli(1700000005000)
	got, err := decode(strings.NewReader(answer), now)
	if err != nil {
		t.Fatal(err)
	}
	want := Batch{
		Node: &Point{Time: time.UnixMilli(1700000000123), CPU: 2_500_000_000, Memory: 1 << 30},
		Pods: map[types.NamespacedName]map[string]Point{
			web:                                     {"nginx": {Start: time.Unix(1699999000, 0), Time: time.UnixMilli(1700000000100), CPU: 750_000_000, Memory: 4096}},
			{Namespace: "default", Name: "untimed"}: {"app": {Time: now, CPU: 1_000_000_000, Memory: 2}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestANodeThatIsNotMeasuredIsLeftOut(t *testing.T) {
	for _, text := range []string{"", "resource_scrape_error 1\n", "node_cpu_usage_seconds_total 2\n", "node_memory_working_set_bytes NaN\nnode_cpu_usage_seconds_total 1\n"} {
		if got, err := decode(strings.NewReader(text), epoch); err != nil || got.Node != nil || len(got.Pods) != 0 {
			t.Errorf("%q was read as %+v (%v)", text, got, err)
		}
	}
}

func TestWhatIsNoFiguresIsAnError(t *testing.T) {
	if got, err := decode(strings.NewReader("<html>\n"), epoch); err == nil {
		t.Errorf("read as %+v", got)
	}
}

func TestWhereANodeIsAsked(t *testing.T) {
	address := func(kind corev1.NodeAddressType, is string) corev1.NodeAddress {
		return corev1.NodeAddress{Type: kind, Address: is}
	}
	for _, c := range []struct {
		name        string
		port        int32
		annotations map[string]string
		addresses   []corev1.NodeAddress
		want        string
	}{
		{"by its internal address", 10251, nil, []corev1.NodeAddress{address(corev1.NodeHostName, "n"), address(corev1.NodeInternalIP, "10.0.0.1")}, "https://10.0.0.1:10251/metrics/resource"},
		{"by its name where it has no other", 0, nil, []corev1.NodeAddress{address(corev1.NodeHostName, "n")}, "https://n:10250/metrics/resource"},
		{"by version 6 of the protocol", 1, nil, []corev1.NodeAddress{address(corev1.NodeInternalIP, "fd00::1")}, "https://[fd00::1]:1/metrics/resource"},
		{"where its annotation says", 1, map[string]string{annotationResourceMetricsPath: "/metrics/nodes/n/metrics/resource"}, []corev1.NodeAddress{address(corev1.NodeInternalIP, "127.0.0.1")}, "https://127.0.0.1:1/metrics/nodes/n/metrics/resource"},
		{"nowhere without an address", 1, nil, nil, ""},
	} {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Annotations: c.annotations}}
		node.Status.Addresses, node.Status.DaemonEndpoints.KubeletEndpoint.Port = c.addresses, c.port
		if got, err := target(node); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}
