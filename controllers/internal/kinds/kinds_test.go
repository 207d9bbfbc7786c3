package kinds_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// answer is what discovery says.
type answer struct {
	lists []*metav1.APIResourceList
	err   error
}

func (a answer) ServerPreferredResourcesWithContext(context.Context) ([]*metav1.APIResourceList, error) {
	return a.lists, a.err
}

func list(groupVersion string, kinds ...string) *metav1.APIResourceList {
	l := &metav1.APIResourceList{GroupVersion: groupVersion}
	for _, kind := range kinds {
		l.APIResources = append(l.APIResources, metav1.APIResource{Kind: kind, Name: kind})
	}
	return l
}

func TestKinds(t *testing.T) {
	both := []*metav1.APIResourceList{list("apps/v1", "Deployment"), list("apps.orrery.dev/v1", "Deployment")}
	for _, test := range []struct {
		name      string
		canonical func(schema.GroupKind) schema.GroupKind
		lists     []*metav1.APIResourceList
		want      []string
	}{
		{"two kinds are two", nil, both, []string{"apps.orrery.dev/Deployment", "apps/Deployment"}},
		{"two names of one kind are one", apis.Kubernetes.GroupKind, both, []string{"apps/Deployment"}},
		{"a name that is alone stays", apis.Kubernetes.GroupKind, both[1:], []string{"apps.orrery.dev/Deployment"}},
		{"Events have two names everywhere", nil, []*metav1.APIResourceList{list("v1", "Event"), list("events.k8s.io/v1", "Event")}, []string{"/Event"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			listed, err := kinds.Source{Discovery: answer{lists: test.lists}, Canonical: test.canonical}.Kinds(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, kind := range listed {
				got = append(got, kind.Group+"/"+kind.Kind)
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("the kinds are %v, want %v", got, test.want)
			}
		})
	}
}

func TestAGroupThatDoesNotAnswerHidesNoOther(t *testing.T) {
	silent := schema.GroupVersion{Group: "silent.example.com", Version: "v1"}
	listed, err := kinds.Source{Discovery: answer{
		lists: []*metav1.APIResourceList{list("v1", "Pod"), list("a/b/c", "Odd")},
		err:   &discovery.ErrGroupDiscoveryFailed{Groups: map[schema.GroupVersion]error{silent: errors.New("no answer")}},
	}}.Kinds(t.Context())
	if len(listed) != 1 || listed[0].Kind != "Pod" {
		t.Errorf("the kinds are %v, want those of the group that answers", listed)
	}
	failure := &kinds.Failure{}
	if !errors.As(err, &failure) || failure.Groups[silent] == nil || len(failure.Unparsed) != 1 || failure.Discovery() == nil {
		t.Errorf("the error is %v, and does not tell of the group and of the version", err)
	}
}
