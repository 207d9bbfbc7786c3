package wiring

import (
	"errors"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
)

// has is a cluster that has some kinds of a group version each.
type has map[string][]string

func (h has) ServerResourcesForGroupVersion(gv string) (*metav1.APIResourceList, error) {
	kinds, ok := h[gv]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, gv)
	}
	list := &metav1.APIResourceList{}
	for _, kind := range kinds {
		list.APIResources = append(list.APIResources, metav1.APIResource{Kind: kind})
	}
	return list, nil
}

// broken is one that does not answer.
type broken struct{ error }

func (b broken) ServerResourcesForGroupVersion(string) (*metav1.APIResourceList, error) {
	return nil, b.error
}

func TestALoopIsLeftOutWhereItsKindIsNotServed(t *testing.T) {
	scheme, err := Scheme(apis.Kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	all := controllers.All(controllers.Options{})
	old := has{"v1": {"Namespace", "ServiceAccount", "Secret", "ConfigMap", "ResourceQuota"}, "certificates.k8s.io/v1": {"CertificateSigningRequest"}}
	here, missing, err := served(old, scheme, all)
	if err != nil {
		t.Fatal(err)
	}
	if len(here)+len(missing) != len(all) {
		t.Errorf("%d loops are here and %d missing, of %d", len(here), len(missing), len(all))
	}
	rooms := func(entries []controllers.Entry) (rooms []string) {
		for _, e := range entries {
			rooms = append(rooms, e.Room)
		}
		return rooms
	}
	for _, room := range []string{"apps/deployment", "core/namespace", "meta/garbagecollector", "certificates/csrsigner", "bootstrap/signer"} {
		if !slices.Contains(rooms(here), room) {
			t.Errorf("the loop of %s is left out", room)
		}
	}
	for _, room := range []string{"certificates/clustertrustbundlepublisher", "certificates/pcrcleaner", "storage/vacprotection"} {
		if !slices.Contains(rooms(missing), room) {
			t.Errorf("the loop of %s is run, and its kind is not there", room)
		}
	}
}

func TestAClusterThatDoesNotAnswerIsAnError(t *testing.T) {
	scheme, err := Scheme(apis.Kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if _, _, err := served(broken{refused}, scheme, controllers.All(controllers.Options{})); !errors.Is(err, refused) {
		t.Errorf("got %v, want its error", err)
	}
}
