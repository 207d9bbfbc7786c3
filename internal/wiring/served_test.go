package wiring

import (
	"errors"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

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

// without is a cluster that has all that loops watch, but for some kinds.
func without(t *testing.T, scheme *runtime.Scheme, entries []controllers.Entry, kinds ...string) has {
	t.Helper()
	cluster := has{}
	for _, e := range entries {
		for _, prototype := range watched(e.Loop) {
			gvk, err := apiutil.GVKForObject(prototype, scheme)
			if err != nil {
				t.Fatal(err)
			}
			if gv := gvk.GroupVersion().String(); !slices.Contains(kinds, gvk.Kind) {
				cluster[gv] = append(cluster[gv], gvk.Kind)
			}
		}
	}
	return cluster
}

func TestALoopIsLeftOutWhereAKindThatItWatchesIsNotServed(t *testing.T) {
	scheme, err := Scheme(apis.Kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	all := controllers.All(controllers.Options{})
	for kind, want := range map[string][]string{
		"Nothing":               nil,
		"ClusterTrustBundle":    {"certificates/clustertrustbundlepublisher"},
		"PodCertificateRequest": {"certificates/pcrcleaner"},
		"PodGroup":              {"resource/podresourceclaim", "scheduling/podgroupprotection"},
		"DeviceTaintRule":       {"resource/devicetainteviction", "resource/devicetaintrule"}, // the first only watches it
		"VolumeAttributesClass": {"storage/vacprotection"},
		"PodDisruptionBudget":   {"policy/disruption"}, // ours, by Kubernetes' own name
	} {
		t.Run(kind, func(t *testing.T) {
			here, missing, err := served(without(t, scheme, all, kind), scheme, all)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range missing {
				got = append(got, e.Room)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) || len(here)+len(missing) != len(all) {
				t.Errorf("left out are %v, and %d of %d run; want %v to be left out", got, len(here), len(all), want)
			}
		})
	}
}

func TestKindsOfOursAreTakenToBeInstalled(t *testing.T) {
	scheme, err := Scheme(apis.Orrery)
	if err != nil {
		t.Fatal(err)
	}
	ours := controllers.Within(controllers.OurKinds, controllers.All(controllers.Options{}))
	if _, missing, err := served(without(t, scheme, ours, "Deployment"), scheme, ours); err != nil || len(missing) > 0 {
		t.Errorf("left out are %v (%v), want none: the manager says that they are not installed", missing, err)
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
