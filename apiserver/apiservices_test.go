package apiserver

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapiserver "k8s.io/apiserver/pkg/server"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/fake"
)

func TestAPIServicesOfFurtherGroups(t *testing.T) {
	const name = "v1beta1.metrics.k8s.io"
	served := []*genericapiserver.APIGroupInfo{{PrioritizedVersions: []schema.GroupVersion{{Group: "metrics.k8s.io", Version: "v1beta1"}}}}
	own := apiService(further[0])
	theirs := own.DeepCopy() // applied over ours, it keeps our label
	theirs.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: "kube-system", Name: "metrics-server"}
	local := own.DeepCopy()
	local.Labels = nil
	for _, c := range []struct {
		name   string
		found  *apiregistrationv1.APIService
		groups []*genericapiserver.APIGroupInfo
		want   *apiregistrationv1.APIService
	}{
		{"one is made for a group that is served", nil, served, own},
		{"ours stays", own, served, own},
		{"somebody else's is left alone", theirs, served, theirs},
		{"none is made for a group that is not served", nil, nil, nil},
		{"ours goes when the group is not served any more", own, nil, nil},
		{"somebody else's stays then", theirs, nil, theirs},
		{"and so does one that nobody says is ours", local, nil, local},
	} {
		t.Run(c.name, func(t *testing.T) {
			var there []runtime.Object
			if c.found != nil {
				there = append(there, c.found.DeepCopy())
			}
			services := fake.NewSimpleClientset(there...).ApiregistrationV1().APIServices()
			if err := keepAPIServices(t.Context(), services, c.groups); err != nil {
				t.Fatal(err)
			}
			got, err := services.Get(t.Context(), name, metav1.GetOptions{})
			switch {
			case c.want == nil && !apierrors.IsNotFound(err):
				t.Errorf("there is %+v (%v), want none", got, err)
			case c.want != nil && (err != nil || (got.Spec.Service == nil) != (c.want.Spec.Service == nil)):
				t.Errorf("there is %+v (%v), want %+v", got, err, c.want)
			}
		})
	}
}
