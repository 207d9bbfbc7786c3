package volumebinding

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestProgress(t *testing.T) {
	version := func(v string) func(*corev1.PersistentVolumeClaim) {
		return func(c *corev1.PersistentVolumeClaim) { c.ResourceVersion = v }
	}
	ofVersion := func(v string) func(*corev1.PersistentVolume) {
		return func(volume *corev1.PersistentVolume) { volume.ResourceVersion = v }
	}
	given := &podVolumes{node: "node-a", staticBindings: []staticBinding{
		{PersistentVolume: newVolume("v", "1Gi", "a", promisedTo("data"), ofVersion("10")), claim: newClaim("data", "1Gi"), written: true},
	}}
	asked := &podVolumes{node: "node-a", dynamicProvisions: []dynamicProvision{{newClaim("data", "1Gi", forNode("node-a"), version("10")), true}}}
	for _, test := range []struct {
		name    string
		volumes *podVolumes
		volume  *corev1.PersistentVolume
		claim   *corev1.PersistentVolumeClaim
		change  func(*bindingState)
		pending string
		err     string
	}{
		{
			name: "a volume and a claim that name each other", volumes: given,
			volume: newVolume("v", "1Gi", "a", promisedTo("data"), ofVersion("11")), claim: newClaim("data", "1Gi", boundTo("v")),
		},
		{
			name: "a volume as it was before", volumes: given, volume: newVolume("v", "1Gi", "a", ofVersion("9")), claim: newClaim("data", "1Gi"),
			pending: "volume v is not yet seen to be written",
		},
		{
			name: "a claim that does not know yet", volumes: given,
			volume: newVolume("v", "1Gi", "a", promisedTo("data"), ofVersion("10")), claim: newClaim("data", "1Gi"),
			pending: "claim default/data is not yet bound to volume v",
		},
		{
			name: "a volume that was taken away again", volumes: given, volume: newVolume("v", "1Gi", "a", ofVersion("11")), claim: newClaim("data", "1Gi"),
			err: `ClaimRef got reset for pv "v"`,
		},
		{name: "a volume that is gone", volumes: given, claim: newClaim("data", "1Gi"), err: `pv "v" is gone`},
		{name: "a claim that is gone", volumes: given, volume: newVolume("v", "1Gi", "a"), err: `PVC "data" is gone`},
		{
			name: "a node that has moved", volumes: given,
			volume: newVolume("v", "1Gi", "a", promisedTo("data"), ofVersion("11")), claim: newClaim("data", "1Gi", boundTo("v")),
			change: func(s *bindingState) { s.node = nodeIn("b") },
			err:    `pv "v" node affinity doesn't match node "node-b": no matching NodeSelectorTerms`,
		},
		{name: "a node that is gone", volumes: given, change: func(s *bindingState) { s.node = nil }, err: `node "node-a" is gone`},
		{name: "a pod that is gone", volumes: given, change: func(s *bindingState) { s.pod = nil }, err: "pod does not exist any more"},
		{
			name: "a claim as it was before", volumes: asked, claim: newClaim("data", "1Gi", version("9")),
			pending: "claim default/data is not yet seen to be written",
		},
		{
			name: "a claim without a volume", volumes: asked, claim: newClaim("data", "1Gi", forNode("node-a"), version("10")),
			pending: "no volume has been made for claim default/data",
		},
		{
			name: "a claim ahead of its volume", volumes: asked, claim: newClaim("data", "1Gi", forNode("node-a"), version("11"), boundTo("v")),
			pending: "volume v of claim default/data is not yet seen",
		},
		{
			name: "a claim with its volume", volumes: asked,
			claim: newClaim("data", "1Gi", forNode("node-a"), version("11"), boundTo("v")), volume: newVolume("v", "1Gi", "a"),
		},
		{
			name: "a volume made elsewhere", volumes: asked,
			claim: newClaim("data", "1Gi", forNode("node-a"), version("11"), boundTo("v")), volume: newVolume("v", "1Gi", "b"),
			err: `pv "v" node affinity doesn't match node "node-a": no matching NodeSelectorTerms`,
		},
		{
			name: "a provisioner that gave up", volumes: asked, claim: newClaim("data", "1Gi", forNode(""), version("11")),
			err: `provisioning failed for PVC "data"`,
		},
		{
			name: "a claim without any annotation", volumes: asked, claim: newClaim("data", "1Gi", version("11")),
			err: `selectedNode annotation reset for PVC "data"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := bindingState{node: nodeIn("a"), pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db"}}}
			if test.volume != nil {
				s.volumes = map[string]*corev1.PersistentVolume{test.volume.Name: test.volume}
			}
			if test.claim != nil {
				s.claims = map[string]*corev1.PersistentVolumeClaim{keyOf(test.claim): test.claim}
			}
			if test.change != nil {
				test.change(&s)
			}
			pending, err := test.volumes.progress(s)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if pending != test.pending || got != test.err {
				t.Errorf("got pending %q and error %q, want %q and %q", pending, got, test.pending, test.err)
			}
		})
	}
}
