package tree

import (
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// of is the metadata of an object whose UID is its name, with owners.
func of(version, kind, name string, owners ...string) metav1.PartialObjectMetadata {
	o := metav1.PartialObjectMetadata{}
	o.APIVersion, o.Kind, o.Name, o.UID, o.Namespace = version, kind, name, types.UID(name), "default"
	for _, owner := range owners {
		o.OwnerReferences = append(o.OwnerReferences, metav1.OwnerReference{UID: types.UID(owner), Name: owner})
	}
	return o
}

func picture(t *Tree) string {
	table := t.Table(time.Now(), func(_ lipgloss.Style, text string) string { return text })
	var lines []string
	for _, row := range table.Rows {
		lines = append(lines, row[0])
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestThePictureOfATree(t *testing.T) {
	web := []metav1.PartialObjectMetadata{
		of("v1", "Pod", "web-new-2", "web-new"),
		of("apps/v1", "ReplicaSet", "web-old", "web"),
		of("v1", "Pod", "web-new-1", "web-new"),
		of("apps/v1", "ReplicaSet", "web-new", "web"),
		of("apps.orrery.dev/v1", "ReplicaSet", "web-new", "web"), // the same object by its second name
		of("v1", "Pod", "other"),
		of("v1", "ConfigMap", "of-the-pod", "web-new-1"),
		of("v1", "Pod", "web-old-1", "web-old"),
		of("v1", "Secret", "of-two", "web-new-1", "web-new-2"),
	}
	for name, c := range map[string]struct {
		owners []string
		root   string
		all    []metav1.PartialObjectMetadata
		want   string
	}{
		"an object alone": {nil, "other", web, "Deployment/other\n"},
		"dependents of dependents": {nil, "web", web, `Deployment/web
├─ReplicaSet/web-new
│ ├─Pod/web-new-1
│ │ ├─ConfigMap/of-the-pod
│ │ └─Secret/of-two
│ └─Pod/web-new-2
└─ReplicaSet/web-old
  └─Pod/web-old-1
`},
		"owners above": {[]string{"far", "near"}, "web-old", web, `Deployment/far
└─Deployment/near
  └─Deployment/web-old
    └─Pod/web-old-1
`},
		"a dependent of two owners is shown once": {nil, "web-new", web, `Deployment/web-new
├─Pod/web-new-1
│ ├─ConfigMap/of-the-pod
│ └─Secret/of-two
└─Pod/web-new-2
`},
		"objects that own each other": {nil, "a", []metav1.PartialObjectMetadata{of("v1", "Pod", "a", "b"), of("v1", "Pod", "b", "a")}, `Deployment/a
└─Pod/b
`},
	} {
		t.Run(name, func(t *testing.T) {
			tree := &Tree{Object: &Node{Kind: "Deployment", Name: c.root, UID: types.UID(c.root)}}
			for _, owner := range c.owners {
				tree.Owners = append(tree.Owners, &Node{Kind: "Deployment", Name: owner})
			}
			below(tree.Object, c.all)
			if diff := cmp.Diff(c.want, picture(tree)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheOwnerThatCounts(t *testing.T) {
	o := of("v1", "Pod", "web", "first", "second")
	if owner := ownerOf(&o); owner.Name != "first" {
		t.Errorf("of owners that do not control it is %s, want the first", owner.Name)
	}
	yes := true
	o.OwnerReferences[1].Controller = &yes
	if owner := ownerOf(&o); owner.Name != "second" {
		t.Errorf("it is %s, want the controller", owner.Name)
	}
	if o = of("v1", "Pod", "web"); ownerOf(&o) != nil {
		t.Error("an object without owners has one")
	}
}

func TestHowAnObjectIs(t *testing.T) {
	canonical := func(k schema.GroupKind) schema.GroupKind {
		k.Group = strings.TrimSuffix(k.Group, ".orrery.dev")
		return k
	}
	rolling := map[string]any{"observedGeneration": int64(1), "replicas": int64(1), "updatedReplicas": int64(1), "readyReplicas": int64(1), "availableReplicas": int64(1)}
	for name, c := range map[string]struct {
		version, kind string
		metadata      map[string]any
		status        map[string]any
		state, says   string
	}{
		"a Deployment that is behind":             {"apps/v1", "Deployment", nil, rolling, "InProgress", "1/3"},
		"the same by its second name":             {"apps.orrery.dev/v1", "Deployment", nil, rolling, "InProgress", "1/3"},
		"what has no status is as it should be":   {"v1", "ConfigMap", nil, nil, "Current", "ready"},
		"what is deleted, and held by finalizers": {"v1", "ConfigMap", map[string]any{"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": []any{"a.io/x"}}, nil, "Terminating", "waits for a.io/x"},
	} {
		t.Run(name, func(t *testing.T) {
			object := map[string]any{"apiVersion": c.version, "kind": c.kind, "metadata": map[string]any{"name": "x", "generation": int64(1)}, "spec": map[string]any{"replicas": int64(3)}}
			for key, value := range c.metadata {
				object["metadata"].(map[string]any)[key] = value
			}
			if c.status != nil {
				object["status"] = c.status
			}
			state, says := judge(&unstructured.Unstructured{Object: object}, canonical)
			if state != c.state || !strings.Contains(says, c.says) {
				t.Errorf("it is %s: %s; want %s: %s", state, says, c.state, c.says)
			}
		})
	}
}
