package apiserver

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
	typedapiregistrationv1 "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"

	"github.com/orrery-dev/orrery/apiserver/identity"
)

// further are the groups that a server may have beside Kubernetes' own, with the order that clients see them in: metrics-server's.
var further = []apiregistrationv1.APIServiceSpec{
	{Group: "metrics.k8s.io", Version: "v1beta1", GroupPriorityMinimum: 100, VersionPriority: 100},
}

// ensureAPIServices makes the APIServices of the further groups that this server has: without one nobody finds a group. One that is
// there is left alone, whoever it is of, so that whoever installs an extension API server for the group takes it over. Those that an
// earlier start made for a group that the server does not have any more are deleted.
func ensureAPIServices(ctx context.Context, config *rest.Config, groups []*genericapiserver.APIGroupInfo) error {
	clients, err := clientset.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a client for APIServices: %w", err)
	}
	return keepAPIServices(ctx, clients.ApiregistrationV1().APIServices(), groups)
}

func keepAPIServices(ctx context.Context, services typedapiregistrationv1.APIServiceInterface, groups []*genericapiserver.APIGroupInfo) error {
	return each(ctx, further, func(ctx context.Context, spec *apiregistrationv1.APIServiceSpec) error {
		wanted := apiService(*spec)
		return retryTransient("APIService "+wanted.Name, func() error {
			found, err := services.Get(ctx, wanted.Name, metav1.GetOptions{})
			switch has := serves(groups, schema.GroupVersion{Group: spec.Group, Version: spec.Version}); {
			case apierrors.IsNotFound(err) && has:
				_, err = services.Create(ctx, wanted, metav1.CreateOptions{})
			case apierrors.IsNotFound(err):
				return nil
			case err == nil && !has && ours(found) && found.Spec.Service == nil:
				err = services.Delete(ctx, found.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(found.UID))})
			}
			return err
		})
	})
}

// apiService says that a group is served by this server itself.
func apiService(spec apiregistrationv1.APIServiceSpec) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{
			Name: spec.Version + "." + spec.Group, Labels: map[string]string{identity.ManagedBy: identity.Manager},
		},
		Spec: spec,
	}
}

func serves(groups []*genericapiserver.APIGroupInfo, version schema.GroupVersion) bool {
	for _, group := range groups {
		for _, served := range group.PrioritizedVersions {
			if served == version {
				return true
			}
		}
	}
	return false
}
