package csi

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
)

// cluster is an API server with a node n, whose UID is its name, under a naming.
func cluster(t *testing.T, naming apis.Naming, others ...client.Object) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, naming); err != nil {
		t.Fatal(err)
	}
	node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", UID: "n", Labels: map[string]string{"zone": "a"}}}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(append(others, node)...).WithStatusSubresource(&ocorev1.Node{}, &ostoragev1.VolumeAttachment{}).Build()
}

// told is what the API server has of the node.
func told(t *testing.T, c client.Client) string {
	t.Helper()
	node, csinode := &ocorev1.Node{}, &ostoragev1.CSINode{}
	if err := c.Get(t.Context(), client.ObjectKey{Name: "n"}, node); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKey{Name: "n"}, csinode); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	var drivers []string
	for _, d := range csinode.Spec.Drivers {
		count := "any"
		if d.Allocatable != nil {
			count = fmt.Sprint(*d.Allocatable.Count)
		}
		drivers = append(drivers, fmt.Sprintf("%s: %s %v %s", d.Name, d.NodeID, d.TopologyKeys, count))
	}
	return fmt.Sprintf("%v %s %q", node.Labels, node.Annotations[annotationNodeIDs], drivers)
}

func TestTheControlPlaneIsToldOfDrivers(t *testing.T) {
	for _, naming := range []apis.Naming{apis.Kubernetes, apis.Orrery} {
		t.Run(string(naming), func(t *testing.T) {
			c := cluster(t, naming)
			n := NodeObjects{Client: c, Name: "n"}
			for _, step := range []struct {
				what string
				do   func() error
				want string
			}{
				{"the first driver comes", func() error {
					return n.Install(t.Context(), "one", Info{NodeID: "1", MaxVolumes: 5, Topology: map[string]string{"one/rack": "r", "zone": "a"}})
				}, `map[one/rack:r zone:a] {"one":"1"} ["one: 1 [one/rack zone] 5"]`},
				{"a second comes", func() error { return n.Install(t.Context(), "two", Info{NodeID: "2"}) },
					`map[one/rack:r zone:a] {"one":"1","two":"2"} ["one: 1 [one/rack zone] 5" "two: 2 [] any"]`},
				{"the first has another limit", func() error {
					return n.Install(t.Context(), "one", Info{NodeID: "1", MaxVolumes: math.MaxInt64, Topology: map[string]string{"one/rack": "r", "zone": "a"}})
				}, `map[one/rack:r zone:a] {"one":"1","two":"2"} ["two: 2 [] any" "one: 1 [one/rack zone] 2147483647"]`},
				{"the first goes", func() error { return n.Uninstall(t.Context(), "one") }, `map[one/rack:r zone:a] {"two":"2"} ["two: 2 [] any"]`},
				{"the second goes", func() error { return n.Uninstall(t.Context(), "two") }, `map[one/rack:r zone:a]  []`},
				{"it goes again", func() error { return n.Uninstall(t.Context(), "two") }, `map[one/rack:r zone:a]  []`},
			} {
				if err := step.do(); err != nil {
					t.Fatalf("%s: %v", step.what, err)
				}
				if got := told(t, c); got != step.want {
					t.Errorf("when %s it is\n%s, want\n%s", step.what, got, step.want)
				}
			}
			owned := &ostoragev1.CSINode{}
			if err := c.Get(t.Context(), client.ObjectKey{Name: "n"}, owned); err != nil {
				t.Fatal(err)
			}
			if o := owned.OwnerReferences; len(o) != 1 || o[0].UID != "n" || o[0].Kind != "Node" {
				t.Errorf("it is owned by %v, want the node", o)
			}
		})
	}
}

func TestAnotherTopologyThanTheLabelIsRefused(t *testing.T) {
	c := cluster(t, apis.Kubernetes)
	err := NodeObjects{Client: c, Name: "n"}.Install(t.Context(), "one", Info{NodeID: "1", Topology: map[string]string{"zone": "b"}})
	want := `detected topology value collision: driver reported "zone":"b" but existing label is "zone":"a"`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := told(t, c); got != `map[zone:a]  []` {
		t.Errorf("the node is told to be %s", got)
	}
}

func TestACSINodeOfAnotherNodeOfTheNameIsReplaced(t *testing.T) {
	old := &ostoragev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: "n", UID: "c", OwnerReferences: []metav1.OwnerReference{{Kind: "Node", Name: "n", UID: "before"}}}}
	old.Spec.Drivers = []storagev1.CSINodeDriver{{Name: "stale", NodeID: "s"}}
	c := cluster(t, apis.Kubernetes, old)
	n := NodeObjects{Client: c, Name: "n"}
	if err := n.Install(t.Context(), "one", Info{NodeID: "1"}); err == nil {
		t.Error("the first attempt is to say what it found")
	}
	if err := n.Install(t.Context(), "one", Info{NodeID: "1"}); err != nil {
		t.Fatal(err)
	}
	if got, want := told(t, c), `map[zone:a] {"one":"1"} ["one: 1 [] any"]`; got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestLabelsOfOthersStay(t *testing.T) {
	node := &ocorev1.Node{}
	if err := label(node, map[string]string{"a": "1"}); err != nil || !maps.Equal(node.Labels, map[string]string{"a": "1"}) {
		t.Errorf("got %v, %v", node.Labels, err)
	}
	if err := label(node, nil); err != nil || !maps.Equal(node.Labels, map[string]string{"a": "1"}) {
		t.Errorf("got %v, %v", node.Labels, err)
	}
}
